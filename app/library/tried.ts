// What was found out on this device about a model in a precision: how long it takes for a photograph, or why it does not run.

import * as v from 'valibot';
import { backendWords } from '../inference/device-words.ts';
import type { ModelReport } from '../inference/types.ts';
import { getNote, putNote } from '../storage/model-files.ts';

const Tried = v.object({
  /** `WASM, 2 threads` */
  device: v.string(),
  msPerPhoto: v.nullable(v.number()),
  /** One sentence; null where it runs. */
  problem: v.nullable(v.string()),
});

export type Tried = v.InferOutput<typeof Tried>;

const owner = (modelKey: string) => `tried ${modelKey}`;

/** Null where it was never tried. */
export async function getTried(modelKey: string): Promise<Tried | null> {
  const note = v.safeParse(Tried, await getNote(owner(modelKey)));
  return note.success ? note.output : null;
}

/** Notes what runs and how fast, and what was passed over for it. */
export async function noteTried(
  { modelKey, modelKeys, precision, passedOver }: ModelReport,
  device: string,
  msPerPhoto: number,
): Promise<void> {
  await putNote(owner(modelKey), { device, msPerPhoto, problem: null } satisfies Tried);
  for (const other of passedOver) {
    const key = modelKeys.get(other.precision);
    if (!other.failed || other.precision === precision || key === undefined) continue;
    const tried: Tried = { device: backendWords(other.backend), msPerPhoto: null, problem: other.reason };
    await putNote(owner(key), tried);
  }
}

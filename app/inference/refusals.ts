// GPUs that failed with a model. Each visit would download the runtime and the encoders for them again, only to find the same:
// what never ran is not kept. So the next visit goes straight to the device that worked. That a driver was updated
// nobody tells the page, so a GPU is asked again after a while; at once, when model, runtime or GPU are others than
// they were, or when the address asks for WebGPU.

import * as v from 'valibot';
import { modelKeyOf } from '../../models/clip/manifest.ts';
import { SELF_TEST } from '../../models/clip/selftest.ts';
import type { FolderFile } from '../../models/clip/types.ts';
import { StorageFullError } from '../storage/errors.ts';
import { getNote, putNote } from '../storage/model-files.ts';
import type { Attempt, Plan } from './plan.ts';
import type { ModelPlace, PassedOver } from './types.ts';

const ASKED_AGAIN_AFTER_MS = 7 * 24 * 3_600_000;

const Refusal = v.object({ circumstances: v.string(), at: v.number(), reason: v.string() });

/** A model folder, as far as a refusal concerns it. */
export interface RefusingModel {
  readonly place: ModelPlace;
  /** Those that its manifest.json lists. */
  readonly files: readonly FolderFile[];
}

/** Notes that the attempt failed on this device. WASM's files are used by every other attempt on it, so nothing is lost there. */
export async function noteRefusal(model: RefusingModel, attempt: Attempt, reason: string): Promise<void> {
  if (attempt.backend !== 'webgpu') return;
  const refusal = { circumstances: await circumstances(model, attempt), at: Date.now(), reason };
  try {
    await putNote(owner(model, attempt), refusal);
  } catch (error) {
    // A full disk costs the next visit a moment.
    if (!(error instanceof StorageFullError)) throw error;
  }
}

/** The plan without what failed here lately. */
export async function passOverRefused(plan: Plan, model: RefusingModel): Promise<Plan> {
  const attempts: Attempt[] = [];
  const passedOver: PassedOver[] = [...plan.passedOver];
  for (const attempt of plan.attempts) {
    const reason = await refusedLately(model, attempt);
    if (reason === null) attempts.push(attempt);
    else passedOver.push({ backend: attempt.backend, precision: attempt.precision, reason, failed: true });
  }
  return { ...plan, attempts, passedOver };
}

async function refusedLately(model: RefusingModel, attempt: Attempt): Promise<string | null> {
  if (attempt.backend !== 'webgpu') return null;
  const note = v.safeParse(Refusal, await getNote(owner(model, attempt)));
  if (!note.success) return null;
  const { at, reason } = note.output;
  if (Date.now() - at > ASKED_AGAIN_AFTER_MS) return null;
  return note.output.circumstances === (await circumstances(model, attempt)) ? reason : null;
}

function owner({ place }: RefusingModel, { backend, precision }: Attempt): string {
  return `refusal ${backend} ${precision} ${place.on === 'site' ? place.url : place.id}`;
}

/** What the outcome of an attempt depends on, as far as a page can know it. */
async function circumstances(
  { files }: RefusingModel,
  { precision, adapter, build }: Attempt,
): Promise<string> {
  const selfTest = files.find(({ path }) => path === SELF_TEST)?.sha256;
  return [await modelKeyOf(files, precision), selfTest, ONNXRUNTIME_FILES[build].sha256, adapter].join(' ');
}

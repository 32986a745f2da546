// Checked files as a worker has them: from this device or else from the network, and then kept here. They stay for as long as a
// record names them.

import { sha256 } from '../../models/clip/manifest.ts';
import { StorageFullError } from '../storage/errors.ts';
import { changeRecord, dropFile, getFile, putFile } from '../storage/model-files.ts';
import { download, type ExpectedFile, type OnBytes } from './download.ts';
import { quiet } from './quiet.ts';

/**
 * Writing to the disk takes the processor from a model that is starting, and then from the first photographs. On a slow line files are
 * kept while others come.
 */
const KEEP_AFTER_MS = 2_000;

export interface Obtained {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether a copy is on this device; settles later than the bytes are there. */
  readonly kept: Promise<boolean>;
}

/** A checked file from this device or else from the network; then it is kept, where there is room. */
export async function obtain(file: ExpectedFile, onBytes: OnBytes): Promise<Obtained> {
  const copy = await getFile(file.sha256);
  if (copy !== undefined) {
    if ((await sha256(copy)) === file.sha256) {
      onBytes(copy.length);
      return { bytes: copy, kept: Promise.resolve(true) };
    }
    await dropFile(file.sha256);
  }
  const bytes = await download(file, onBytes);
  return { bytes, kept: keepSoon(file, bytes) };
}

const beingKept = new Set<Promise<boolean>>();
let hurry: () => void = () => {};
const hurried = new Promise<void>((resolve) => {
  hurry = resolve;
});

function keepSoon(file: ExpectedFile, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const soon = new Promise((resolve) => setTimeout(resolve, KEEP_AFTER_MS));
  const kept = unlessFull(
    Promise.race([soon.then(quiet.come), hurried]).then(() => putFile(file.sha256, bytes, file.name)),
  ).finally(() => beingKept.delete(kept));
  beingKept.add(kept);
  return kept;
}

/** Call before this worker ends without a model: what has come need not come again for the next attempt. */
export async function keepAtOnce(): Promise<void> {
  hurry();
  await Promise.allSettled(beingKept);
}

/** Writes down that a build of the runtime is here. Those of an earlier version of the site are then not needed any more. */
export function recordRuntime(file: ExpectedFile, kept: Promise<boolean>): Promise<boolean> {
  const site = new URL('..', file.url).href;
  const builds = Object.values(ONNXRUNTIME_FILES);
  return record(`runtime of ${site}`, new Map([[file.sha256, kept]]), builds, new Uint8Array());
}

/**
 * Writes down that an owner's files are all here, when they are. What it was used with before stays: a model may run in two precisions
 * side by side, and a GPU that was lost is asked again at the next visit. Given up is what the owner itself has no more.
 * @param all every file that the owner has now
 */
export async function record(
  owner: string,
  files: ReadonlyMap<string, Promise<boolean>>,
  all: readonly { readonly sha256: string }[],
  manifest: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const kept = await Promise.all(files.values());
  if (!kept.every(Boolean)) return false;
  const there = new Set(all.map(({ sha256 }) => sha256));
  return unlessFull(
    changeRecord(owner, (before) => {
      const stay = before?.files.filter((hash) => there.has(hash)) ?? [];
      return { files: [...new Set([...files.keys(), ...stay])], manifest };
    }),
  );
}

/** A full disk costs the use without a network, not the model. */
async function unlessFull(kept: Promise<boolean>): Promise<boolean> {
  try {
    return await kept;
  } catch (error) {
    if (error instanceof StorageFullError) return false;
    throw error;
  }
}

// Checked files as the inference worker has them: from this device or else from the network, and then kept here. What is kept for
// long is what a record names.

import { sha256 } from '../../models/clip/manifest.ts';
import { StorageFullError } from '../storage/errors.ts';
import { dropFile, getFile, putFile, putRecord } from '../storage/model-files.ts';
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

/** Writes down which build of the runtime this site uses here; an earlier one's file is then not needed any more. */
export function recordRuntime(file: ExpectedFile, kept: Promise<boolean>): Promise<boolean> {
  const site = new URL('..', file.url).href;
  return record(`runtime of ${site}`, new Map([[file.sha256, kept]]), new Uint8Array());
}

/** Writes down that an owner's files are all here, when they are. */
export async function record(
  owner: string,
  files: ReadonlyMap<string, Promise<boolean>>,
  manifest: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const kept = await Promise.all(files.values());
  if (!kept.every(Boolean)) return false;
  return unlessFull(putRecord(owner, { files: [...files.keys()], manifest }));
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

// A model folder at an address, read through the device's own copies: a file that is kept here and still agrees with
// manifest.json is not downloaded again; one that is not is downloaded, checked and kept. With the network off, the
// manifest of the last visit that got everything speaks for the folder.

import { parseManifest, sha256 } from '../../models/clip/manifest.ts';
import type { FolderFile, FolderSource } from '../../models/clip/types.ts';
import { StorageFullError } from '../storage/errors.ts';
import { dropFile, getFile, getRecord, putFile, putRecord } from '../storage/model-files.ts';
import {
  DownloadError,
  download,
  downloadManifest,
  type ExpectedFile,
  type OnBytes,
  UnreachableError,
} from './download.ts';
import { quiet } from './quiet.ts';

const MANIFEST = 'manifest.json';
/**
 * Writing to the disk takes the processor from a model that is starting, and then from the first photographs. On a slow line files are
 * kept while others come.
 */
const KEEP_AFTER_MS = 2_000;

export interface ModelSource extends FolderSource {
  /**
   * Call when everything that the model needs was read: writes down that it is all here, when it is. Resolves to whether the
   * folder now opens with the network off.
   */
  keepRecord(): Promise<boolean>;
}

/** Opens a folder; `onBytes` hears of every byte that is read from it from now on. */
export async function openRemoteFolder(url: string, onBytes: OnBytes): Promise<ModelSource> {
  const manifest = await readManifest(url);
  const files = new Map(manifest.files.map((file) => [file.path, file]));
  const name = decodeURIComponent(new URL(url).pathname.split('/').filter(Boolean).at(-1) ?? url);
  const read = new Map<string, Promise<boolean>>();

  const readFile = async (path: string): Promise<Uint8Array<ArrayBuffer>> => {
    if (path === MANIFEST) return manifest.bytes;
    const file = files.get(path);
    if (file === undefined)
      throw new Error(`${path} is not in the model folder ${name} (its manifest.json lists no such file).`);
    const expected = {
      name: `${name}/${path}`,
      url: new URL(path, url).href,
      bytes: file.bytes,
      sha256: file.sha256,
    };
    const obtained = await obtain(expected, onBytes);
    read.set(file.sha256, obtained.kept);
    return obtained.bytes;
  };

  return {
    name,
    list: async (): Promise<FolderFile[]> => [
      ...manifest.files,
      { path: MANIFEST, bytes: manifest.bytes.length },
    ],
    read: readFile,
    readRange: async (path, start, end) => (await readFile(path)).slice(start, end),
    keepRecord: () => record(url, read, manifest.bytes),
  };
}

async function readManifest(url: string) {
  const bytes = await freshOrKept(url);
  return { bytes, files: parseManifest(bytes, new URL(MANIFEST, url).href).files };
}

async function freshOrKept(url: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await downloadManifest(url);
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    const kept = await getRecord(url);
    if (kept !== undefined) return kept.manifest;
    throw new DownloadError(
      `${error.message} This device has not kept the model from an earlier visit: connect and load it again.`,
      { cause: error },
    );
  }
}

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

async function record(
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

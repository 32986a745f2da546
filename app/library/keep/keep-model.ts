// Takes a model onto this device: its files, checked, then the note that it is whole. What is cut off stays and is gone on with; a
// folder that contradicts itself leaves nothing behind.

import { precisionsOf } from '../../../models/clip/encoder-files.ts';
import type { HubFile } from '../../../models/clip/hub.ts';
import { sha256, toHex } from '../../../models/clip/manifest.ts';
import { licenseOf } from '../../../models/clip/model-card.ts';
import { readModelFolder } from '../../../models/clip/model-folder.ts';
import type { FolderFile, FolderSource, Precision } from '../../../models/clip/types.ts';
import {
  beginDeviceModel,
  findDeviceModel,
  listDeviceModels,
  type NewModel,
  removeDeviceModel,
} from '../../storage/device-models.ts';
import { isQuotaError, StorageFullError } from '../../storage/errors.ts';
import { listRemoteFiles, type RemoteFile, receiveFile } from './remote-files.ts';
import { deviceId, type Source, sourceWords } from './source.ts';
import { choosePrecision, wantedFiles } from './wanted-files.ts';

/** Bytes of a model that are here, of all that it needs. */
export type OnProgress = (loadedBytes: number, totalBytes: number) => void;

/** A file of a folder that was dropped or picked, by its path inside it. */
export interface PickedFile {
  readonly path: string;
  readonly file: File;
}

/** Adds a model from a server, or a further precision of it. Resolves to its id; rejects with a sentence. */
export async function keepRemote(
  source: Source,
  precision: 'auto' | Precision,
  onProgress: OnProgress,
): Promise<string> {
  const id = deviceId(source);
  return alone(id, async () => {
    const listed = await listRemoteFiles(source);
    const chosen = choosePrecision(listed, precision, id);
    const before = await findDeviceModel(id);
    const kept = precisionsOf(before?.whole?.files ?? []);
    const wanted = wantedFiles(listed, [...new Set([...kept, chosen])]);
    const total = sum(wanted);
    await makeRoom(total - (before?.bytes ?? 0), id);

    const model = await beginDeviceModel(id, {
      source: sourceWords(source),
      license: null,
      addedAt: Date.now(),
    });
    const onBytes = progressOf(total, onProgress);
    for (const file of wanted) await unlessFull(id, () => receive(model, file, onBytes));
    await finish(id, model, wanted, before?.whole == null);
    return id;
  });
}

/** Adds a model from a folder of this device. Resolves to its id; rejects with a sentence. */
export async function keepFolder(
  name: string,
  picked: readonly PickedFile[],
  onProgress: OnProgress,
): Promise<string> {
  const all = picked.map(({ path, file }) => ({ path, bytes: file.size, file }));
  const precisions = precisionsOf(all);
  if (precisions.length === 0) choosePrecision([], 'auto', `The folder ${name}`);
  const files = wantedFiles(all, precisions);
  // Before anything is written: a folder that is none costs nothing.
  await readModelFolder(pickedSource(name, files));
  const id = await freeId(name);
  return alone(id, async () => {
    const total = sum(files);
    await makeRoom(total, id);
    const model = await beginDeviceModel(id, { source: null, license: null, addedAt: Date.now() });
    const onBytes = progressOf(total, onProgress);
    for (const { path, bytes, file } of files) {
      await unlessFull(id, async () => model.write(path, new Uint8Array(await file.arrayBuffer())));
      onBytes(bytes);
    }
    await finish(id, model, files, true);
    return id;
  });
}

/** A bar needs no more than ten steps a second; the page's thread has other work. */
const TELL_EVERY_MS = 100;

function progressOf(total: number, onProgress: OnProgress): (bytes: number) => void {
  let loaded = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  return (bytes) => {
    loaded += bytes;
    const now = performance.now();
    if (loaded < total && now - toldAt < TELL_EVERY_MS) return;
    toldAt = now;
    onProgress(loaded, total);
  };
}

function pickedSource(name: string, files: readonly (FolderFile & { readonly file: File })[]): FolderSource {
  const find = (path: string): File => {
    const found = files.find((each) => each.path === path);
    if (found === undefined) throw new Error(`${name}/${path} is not there.`);
    return found.file;
  };
  return {
    name,
    list: async () => [...files],
    read: async (path) => new Uint8Array(await find(path).arrayBuffer()),
    readRange: async (path, start, end) => new Uint8Array(await find(path).slice(start, end).arrayBuffer()),
  };
}

/** Another folder of the same name stays as it is. */
async function freeId(name: string): Promise<string> {
  const taken = new Set((await listDeviceModels()).map(({ id }) => id));
  let id = name;
  for (let n = 2; taken.has(id); n++) id = `${name} (${n})`;
  return id;
}

async function receive(model: NewModel, file: RemoteFile, onBytes: (bytes: number) => void): Promise<void> {
  const handle = await model.open(file.path);
  try {
    await receiveFile(file, handle, onBytes);
  } finally {
    handle.close();
  }
  if (file.hash === null) return;
  const found = await hashOf(await model.source.read(file.path), file.hash.kind);
  if (found === file.hash.hex) return;
  await model.remove(file.path);
  throw new Error(
    `${file.path} was refused: its ${HASH_NAMES[file.hash.kind]} is ${found}, the server publishes ${file.hash.hex}. It was deleted; go on with the download to have it again.`,
  );
}

const HASH_NAMES = { sha256: 'SHA-256', git: 'git hash' } as const;

async function hashOf(bytes: Uint8Array<ArrayBuffer>, kind: HubFile['hash']['kind']): Promise<string> {
  if (kind === 'sha256') return sha256(bytes);
  // As git names a file: its length stands before its bytes.
  const blob = new Blob([`blob ${bytes.length}\0`, bytes]);
  return toHex(await crypto.subtle.digest('SHA-1', await blob.arrayBuffer()));
}

/** Checks the folder as the page will read it, and notes that it is whole. */
async function finish(
  id: string,
  model: NewModel,
  files: readonly FolderFile[],
  isNew: boolean,
): Promise<void> {
  const paths = new Set(files.map(({ path }) => path));
  for (const { path } of await model.source.list()) if (!paths.has(path)) await model.remove(path);
  try {
    await readModelFolder(model.source);
  } catch (error) {
    if (isNew) await removeDeviceModel(id);
    throw error;
  }
  const hashed: Required<FolderFile>[] = [];
  for (const { path, bytes } of files) {
    hashed.push({ path, bytes, sha256: await sha256(await model.source.read(path)) });
  }
  const card = paths.has('README.md') ? new TextDecoder().decode(await model.source.read('README.md')) : '';
  await model.finish({ files: hashed }, licenseOf(card));
}

/** Runs `work` while no other tab writes this model. */
async function alone<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
  return navigator.locks.request(`promptlens-model ${id}`, { ifAvailable: true }, (lock) => {
    if (lock === null) throw new Error(`${id} is being added already, perhaps in another tab.`);
    return work();
  });
}

/** Better said before the first byte than after the last but one. */
async function makeRoom(bytes: number, id: string): Promise<void> {
  const { quota, usage } = await navigator.storage.estimate();
  if (quota !== undefined && usage !== undefined && bytes > quota - usage) throw new StorageFullError(id);
}

async function unlessFull<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isQuotaError(error)) throw new StorageFullError(id);
    throw error;
  }
}

function sum(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}

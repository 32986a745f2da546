// Models that the visitor added, in the browser's private file system: a folder each, with the model's files and a note of where
// they came from. manifest.json is written last: a folder without one was begun and is not whole; it is gone on with or deleted.
// One worker at a time writes to a folder (app/library/keep/keep-worker.ts), everybody reads.

import * as v from 'valibot';
import { checked, parseJson } from '../../models/clip/checked.ts';
import { PRECISIONS } from '../../models/clip/encoder-files.ts';
import { type Manifest, parseManifest, verifyFile } from '../../models/clip/manifest.ts';
import type { FolderFile, FolderSource } from '../../models/clip/types.ts';
import { StorageUnavailableError } from './errors.ts';

const MODELS = 'models';
const ABOUT = 'about.json';
const MANIFEST = 'manifest.json';

const About = v.object({
  /** What can be asked for it again, as the visitor wrote it; null for a folder that was picked on this device. */
  source: v.nullable(v.string()),
  /** As its model card says it. */
  license: v.nullable(v.string()),
  /** What is being had of it: those that it goes on with where it was cut off. */
  precisions: v.array(v.picklist(PRECISIONS)),
  /** Milliseconds since 1970. */
  addedAt: v.number(),
});

export type AboutModel = v.InferOutput<typeof About>;

export interface DeviceModel {
  /** `Xenova/mobileclip_s0`, or the name of the folder that was picked. */
  readonly id: string;
  readonly about: AboutModel;
  /** What it takes of this device, whole or not. */
  readonly bytes: number;
  /** Null while it is not whole. */
  readonly whole: Manifest | null;
}

type Folder = FileSystemDirectoryHandle;

/** Null where there is no such entry. */
function orNull(error: unknown): null {
  if (error instanceof DOMException && error.name === 'NotFoundError') return null;
  throw error;
}

/** Names of models and paths of files hold slashes, names in this file system none. */
const stored = encodeURIComponent;

async function modelsFolder(): Promise<Folder> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(MODELS, { create: true });
  } catch (error) {
    throw new StorageUnavailableError(
      `This browser does not let the page keep models on this device (${String(error)}); a private window or blocked site data is the usual reason.`,
      { cause: error },
    );
  }
}

export async function listDeviceModels(): Promise<DeviceModel[]> {
  const models: DeviceModel[] = [];
  for await (const [name, handle] of (await modelsFolder()).entries()) {
    if (handle.kind === 'directory') models.push(await describe(decodeURIComponent(name), handle as Folder));
  }
  return models.sort((a, b) => a.about.addedAt - b.about.addedAt);
}

async function describe(id: string, folder: Folder): Promise<DeviceModel> {
  const files = await filesIn(folder);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { id, about: await readAbout(folder), bytes, whole: await readWhole(folder, files) };
}

async function filesIn(folder: Folder): Promise<FolderFile[]> {
  const files: FolderFile[] = [];
  for await (const [name, handle] of folder.entries()) {
    if (handle.kind !== 'file' || name === ABOUT) continue;
    const { size } = await (handle as FileSystemFileHandle).getFile();
    files.push({ path: decodeURIComponent(name), bytes: size });
  }
  return files;
}

/** Null where it is not there, or was cut off while it was written, or where a file that it lists is not whole. */
async function readWhole(folder: Folder, files: readonly FolderFile[]): Promise<Manifest | null> {
  if (!files.some(({ path }) => path === MANIFEST)) return null;
  const bytes = await readFile(folder, MANIFEST);
  let manifest: Manifest;
  try {
    manifest = parseManifest(bytes, MANIFEST);
  } catch {
    return null;
  }
  const sizes = new Map(files.map((file) => [file.path, file.bytes]));
  const isWhole = manifest.files.every((file) => sizes.get(file.path) === file.bytes);
  return isWhole ? manifest : null;
}

/** What a folder lacks whose adding was cut off in its first moment. */
const UNKNOWN: AboutModel = { source: null, license: null, precisions: [], addedAt: 0 };

async function readAbout(folder: Folder): Promise<AboutModel> {
  try {
    return checked(About, parseJson(await readFile(folder, ABOUT), ABOUT), ABOUT);
  } catch {
    return UNKNOWN;
  }
}

async function readFile(folder: Folder, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await folder.getFileHandle(stored(path));
  return new Uint8Array(await (await handle.getFile()).arrayBuffer());
}

/** A model of this device as a folder to be read. Rejects with a sentence where it is not here, or not whole. */
export async function openDeviceModel(id: string): Promise<FolderSource> {
  const models = await modelsFolder();
  const folder = await models.getDirectoryHandle(stored(id)).catch(orNull);
  if (folder === null) {
    throw new Error(
      `The model ${id} is not on this device. Add it, or choose another in the list of models.`,
    );
  }
  const { whole } = await describe(id, folder);
  if (whole === null) {
    throw new Error(
      `The model ${id} is not whole on this device. Go on with its download in the list of models, or delete it.`,
    );
  }
  const source = folderSource(id, folder, async () => [
    ...whole.files,
    { path: MANIFEST, bytes: (await readFile(folder, MANIFEST)).length },
  ]);
  return {
    ...source,
    read: async (path) => {
      const bytes = await source.read(path);
      if (path !== MANIFEST) await verifyFile(path, bytes, whole).catch(damaged);
      return bytes;
    },
  };

  function damaged(cause: Error): never {
    throw new Error(
      `The model ${id} is damaged on this device: ${cause.message} Delete it in the list of models, and add it again.`,
      { cause },
    );
  }
}

function folderSource(id: string, folder: Folder, list: () => Promise<FolderFile[]>): FolderSource {
  const file = async (path: string): Promise<Blob> => {
    const handle = await folder.getFileHandle(stored(path)).catch((cause: unknown) => {
      throw new Error(`${path} is not in the model ${id} on this device.`, { cause });
    });
    return handle.getFile();
  };
  return {
    name: id,
    list,
    read: async (path) => new Uint8Array(await (await file(path)).arrayBuffer()),
    readRange: async (path, start, end) =>
      new Uint8Array(await (await file(path)).slice(start, end).arrayBuffer()),
  };
}

/** One model of the list; null where it is not here. */
export async function findDeviceModel(id: string): Promise<DeviceModel | null> {
  const folder = await (await modelsFolder()).getDirectoryHandle(stored(id)).catch(orNull);
  return folder && describe(id, folder);
}

/** Runs `work`, which writes to a model's folder, while nobody else does. Rejects with a sentence where somebody is at it. */
export async function whileWriting<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
  return navigator.locks.request(`promptlens-model ${id}`, { ifAvailable: true }, (lock) => {
    if (lock === null) throw new Error(`${id} is being added at this moment, perhaps in another tab.`);
    return work();
  });
}

/** Deletes a model, whole or not, whose folder the caller alone writes to. Resolves when its space is free. */
export async function removeDeviceModel(id: string): Promise<void> {
  await (await modelsFolder()).removeEntry(stored(id), { recursive: true });
}

/** A model that is being added, for the worker that adds it. */
export interface NewModel {
  /** What has come so far, as a folder to be read. */
  readonly source: FolderSource;
  /** For writing behind what is there; close it. */
  open(path: string): Promise<FileSystemSyncAccessHandle>;
  write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  remove(path: string): Promise<void>;
  /** From now on it is whole. */
  finish(manifest: Manifest, license: string | null): Promise<void>;
}

/** @param about what is noted of it; null where it is whole already, and gets something more */
export async function beginDeviceModel(id: string, about: AboutModel | null): Promise<NewModel> {
  const folder = await (await modelsFolder()).getDirectoryHandle(stored(id), { create: true });
  const open = async (path: string) =>
    (await folder.getFileHandle(stored(path), { create: true })).createSyncAccessHandle();
  const write = async (path: string, bytes: Uint8Array<ArrayBuffer>) => {
    const handle = await open(path);
    try {
      // Where there is no room for it, what was there stays.
      handle.write(bytes, { at: 0 });
      handle.truncate(bytes.length);
      handle.flush();
    } finally {
      handle.close();
    }
  };
  const writeJson = (path: string, value: unknown) =>
    write(path, new TextEncoder().encode(JSON.stringify(value)));

  if (about !== null) await writeJson(ABOUT, about);
  return {
    source: folderSource(id, folder, async () =>
      (await filesIn(folder)).filter(({ path }) => path !== MANIFEST),
    ),
    open,
    write,
    remove: (path) => folder.removeEntry(stored(path)),
    finish: async (manifest, license) => {
      const bytes = new TextEncoder().encode(JSON.stringify(manifest));
      // What could not be read again is not written.
      parseManifest(bytes, MANIFEST);
      if (about !== null) await writeJson(ABOUT, { ...about, license });
      await write(MANIFEST, bytes);
    },
  };
}

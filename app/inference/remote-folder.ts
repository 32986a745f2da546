// A model folder at an address, read through the device's own copies: a file that is kept here and still agrees with
// manifest.json is not downloaded again; one that is not is downloaded, checked and kept. With the network off, the
// manifest of the last visit that got everything speaks for the folder.

import { parseManifest } from '../../models/clip/manifest.ts';
import type { FolderFile, FolderSource } from '../../models/clip/types.ts';
import { getRecord } from '../storage/model-files.ts';
import { DownloadError, downloadManifest, type OnBytes, UnreachableError } from './download.ts';
import { obtain, record } from './kept-files.ts';

const MANIFEST = 'manifest.json';

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
    keepRecord: () => record(url, read, manifest.files, manifest.bytes),
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

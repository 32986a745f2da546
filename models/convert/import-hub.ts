// A hub's model into a model folder: what import reads is downloaded beside its place, and taken away when all is done. Until then it
// stays, so that the same command goes on where it was cut off.

import { rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { precisionsOf } from '../clip/encoder-files.ts';
import type { HubFile } from '../clip/hub.ts';
import type { Precision } from '../clip/types.ts';
import { choosePrecisions, wantedFiles } from '../clip/wanted-files.ts';
import { directorySource } from '../files/folder.ts';
import { refuseUnmade } from './export.ts';
import { downloadHubFiles, type HubOptions, listHubFiles } from './hub-download.ts';
import {
  CHECKPOINTS,
  type ImportOptions,
  importModel,
  refuseTaken,
  TAKEN_TOKENIZER_FILES,
} from './import.ts';

const SIDE_FILES = [
  'config.json',
  'open_clip_config.json',
  'preprocessor_config.json',
  ...TAKEN_TOKENIZER_FILES,
];
const SHARD = /^model-\d+-of-\d+\.safetensors$/;
const INDEX = 'model.safetensors.index.json';

export interface HubImportOptions extends Omit<ImportOptions, 'source'> {
  readonly hub: Omit<HubOptions, 'signal'>;
  /** Runs the download and is told how many bytes it is about. */
  readonly showing: (
    totalBytes: number,
    download: (onProgress: (bytes: number) => void) => Promise<void>,
  ) => Promise<void>;
}

export async function importFromHub({ hub: asked, showing, ...options }: HubImportOptions): Promise<void> {
  const { out, signal } = options;
  const hub = { ...asked, signal };
  await refuseTaken(out);
  const { files, precisions } = filesToImport(await listHubFiles(hub), hub.model.id, options.precisions);
  const folder = join(dirname(resolve(out)), `.${basename(out)}.download`);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  await showing(total, (onProgress) => downloadHubFiles(files, { ...hub, folder, onProgress }));
  await removeOthers(folder, files);
  await importModel({ ...options, source: folder, precisions });
  await rm(folder, { recursive: true });
}

/** What an earlier try at another model has left: import would take a checkpoint of it, or a configuration, for this model's. */
async function removeOthers(folder: string, files: readonly HubFile[]): Promise<void> {
  const wanted = new Set(files.map(({ path }) => path));
  for (const { path } of await directorySource(folder).list())
    if (!wanted.has(path)) await rm(join(folder, path));
}

/** A checkpoint with what describes it; where there is none the encoders, in these precisions. */
function filesToImport(
  files: readonly HubFile[],
  id: string,
  wanted: readonly Precision[] | undefined,
): { files: HubFile[]; precisions?: readonly Precision[] } {
  const chosen = CHECKPOINTS.find((name) => files.some(({ path }) => path === name));
  if (chosen !== undefined) {
    refuseUnmade(id, wanted ?? []);
    const names = new Set([chosen, ...SIDE_FILES]);
    return { files: files.filter(({ path }) => names.has(path) || (chosen === INDEX && SHARD.test(path))) };
  }
  if (precisionsOf(files).length === 0) {
    throw new Error(
      `${id} holds no checkpoint on the hub; one of ${CHECKPOINTS.join(', ')} was expected, or both encoders in onnx/.`,
    );
  }
  const precisions = choosePrecisions(files, wanted, id);
  return { files: wantedFiles(files, precisions), precisions };
}

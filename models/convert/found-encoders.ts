// A folder by another exporter: its encoders are there, the weights that they were made of are not. They are taken as they are;
// what a page needs beside them, self-test and manifest, is made by running them, and the best of them stands for the network
// that the others are compared with.

import { constants } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { precisionFiles, precisionsOf } from '../clip/encoder-files.ts';
import type { FolderFile, Precision } from '../clip/types.ts';
import { directorySource } from '../files/folder.ts';

/** True where a folder has encoders and no weights. */
export async function hasEncodersAlone(path: string): Promise<boolean> {
  const files = await directorySource(path).list();
  return precisionsOf(files).length > 0 && !files.some((file) => file.path === 'model.safetensors');
}

export async function foundPrecisions(path: string): Promise<readonly Precision[]> {
  return precisionsOf(await directorySource(path).list());
}

/**
 * Copies the encoders of the precisions asked for into `stage`, and those of the best that there is.
 * @returns the paths of those asked for
 */
export async function stageFoundEncoders(
  path: string,
  stage: string,
  wanted: readonly Precision[],
): Promise<string[]> {
  const files = await directorySource(path).list();
  const found = precisionsOf(files);
  const missing = wanted.filter((precision) => !found.includes(precision));
  if (missing.length > 0) {
    throw new Error(
      `${path} has no encoders in ${missing.join(' and ')}, and no model.safetensors to make them of; it has ${found.join(', ')}. Name some of these in --precision.`,
    );
  }
  const staged = found.filter((precision) => wanted.includes(precision) || precision === found[0]);
  await copyFiles(path, stage, filesOf(files, staged));
  return filesOf(files, wanted);
}

/** From one folder into another, by their paths; without taking room twice, where the disk can. */
export async function copyFiles(from: string, to: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(join(from, path), join(to, path), constants.COPYFILE_FICLONE);
  }
}

function filesOf(files: readonly FolderFile[], precisions: readonly Precision[]): string[] {
  return precisions.flatMap((precision) => precisionFiles(files, precision).map(({ path }) => path));
}

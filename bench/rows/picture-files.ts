// Pictures on the disk, no two alike, made once.

import { existsSync } from 'node:fs';
import { link, mkdir, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { picture } from '../../e2e/site/pictures.ts';
import { CACHE } from '../cache.ts';

/** Paths of `count` pictures. */
export async function pictureFiles(
  count: number,
  width: number,
  height: number,
  format: 'jpeg' | 'webp' = 'jpeg',
): Promise<string[]> {
  const folder = `${CACHE}/pictures-${width}x${height}`;
  const ending = format === 'jpeg' ? 'jpg' : format;
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (let seed = 1; seed <= count; seed++) {
    const path = `${folder}/picture-${String(seed).padStart(5, '0')}.${ending}`;
    if (!existsSync(path)) await writeFile(path, await picture(seed, width, height, format));
    paths.push(path);
  }
  return paths;
}

/** A folder that holds these pictures and nothing else. */
export async function pictureFolder(count: number, width: number, height: number): Promise<string> {
  const folder = `${CACHE}/${count}-pictures-${width}x${height}`;
  await mkdir(folder, { recursive: true });
  for (const path of await pictureFiles(count, width, height)) {
    const inFolder = `${folder}/${basename(path)}`;
    if (!existsSync(inFolder)) await link(path, inFolder);
  }
  return folder;
}

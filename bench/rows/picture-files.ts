// Pictures on the disk, no two alike, made once.

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { picture } from '../../e2e/site/pictures.ts';
import { CACHE } from '../cache.ts';

/** Paths of `count` JPEGs. */
export async function pictureFiles(count: number, width: number, height: number): Promise<string[]> {
  const folder = `${CACHE}/pictures-${width}x${height}`;
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (let seed = 1; seed <= count; seed++) {
    const path = `${folder}/picture-${String(seed).padStart(5, '0')}.jpg`;
    if (!existsSync(path)) await writeFile(path, await picture(seed, width, height));
    paths.push(path);
  }
  return paths;
}

// Vite: `import url from '<picture>?example'` gives a copy of the picture as the page shows examples: a JPEG of at most
// 640 pixels a side, without the original's metadata. The copy lies in the tools' cache, so that builds after the first
// and the dev server find it there.

import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Plugin } from 'vite';

const SUFFIX = '?example';
const SIDE = 640;
const CACHE = fileURLToPath(new URL('../node_modules/.cache/example-pictures/', import.meta.url));

export function examplePictures(): Plugin {
  return {
    name: 'example-pictures',
    enforce: 'pre',
    async resolveId(source, importer) {
      if (!source.endsWith(SUFFIX)) return null;
      const path = source.slice(0, -SUFFIX.length);
      const original = await this.resolve(path, importer, { skipSelf: true });
      if (original === null) throw new Error(`${path}, an example picture, is not installed; run npm ci.`);
      return `${await scaledCopy(original.id)}?url`;
    },
  };
}

async function scaledCopy(path: string): Promise<string> {
  const original = await readFile(path);
  const hash = createHash('sha256').update(original).digest('hex').slice(0, 16);
  const copy = `${CACHE}${hash}-${SIDE}.jpg`;
  const exists = await access(copy).then(
    () => true,
    () => false,
  );
  if (!exists) {
    const scaled = await sharp(original)
      .rotate()
      .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 82, mozjpeg: true })
      .toBuffer();
    await mkdir(CACHE, { recursive: true });
    await writeFile(`${copy}.${process.pid}`, scaled);
    await rename(`${copy}.${process.pid}`, copy);
  }
  return copy;
}

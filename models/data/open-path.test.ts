import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { labelled, writeParquet } from './fixtures/rows.ts';
import { openSources } from './sources.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-path-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('parquet is told by its ending or its first bytes', async () => {
  const path = await writeParquet(folder, 'a.PARQUET', labelled(['x', 'y']));
  expect((await openSources(path)).length).toBe(2);
  await copyFile(path, join(folder, 'blob'));
  expect((await openSources(join(folder, 'blob'))).length).toBe(2);
});

test.each([
  ['notes.txt', 'a file that neither its name nor its first bytes tell the kind of'],
  ['yfcc', 'a file that neither its name nor its first bytes tell the kind of'],
  ['shards.tar.gz', 'a compressed file'],
  ['shards.tgz', 'a compressed file'],
  ['list.csv.zst', 'a compressed file'],
])('%s is refused with what is known of it', async (name, what) => {
  const path = join(folder, name);
  await writeFile(path, 'x');
  await expect(openSources(path)).rejects.toThrow(
    `Opening the data ${path}: found ${what}, expected a parquet file, a folder of parquet files,`,
  );
});

test('a packed series of tars says how to unpack it', async () => {
  const path = join(folder, '{00..01}.tar.gz');
  for (const name of ['00', '01']) await writeFile(join(folder, `${name}.tar.gz`), 'x');
  await expect(openSources(path)).rejects.toThrow(
    /00\.tar\.gz: found a compressed file, .* Unpack it, a \.tar\.gz by gunzip so that the \.tar is left as it is, and name what comes out\.$/,
  );
});

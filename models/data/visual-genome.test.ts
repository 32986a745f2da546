import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { all, writeFiles } from './fixtures/rows.ts';
import { openSources } from './sources.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-genome-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function writeList(content: unknown): Promise<string> {
  const path = join(folder, 'region_descriptions.json');
  await writeFile(path, JSON.stringify(content));
  return path;
}

/** Each holds its own name. */
const writePictures = (...names: string[]) =>
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, name])));

const region = (image_id: number, phrase: string) => ({
  region_id: 1,
  x: 0,
  y: 0,
  width: 9,
  height: 9,
  image_id,
  phrase,
});

test('a row for each picture with all its phrases, from either folder', async () => {
  await writePictures('VG_100K/1.jpg', 'VG_100K_2/2.jpg');
  const path = await writeList([
    { id: 2, regions: [region(2, 'the clock is  green'), region(2, ' a sign '), region(2, 'a sign')] },
    { id: 1, regions: [region(1, 'a man')] },
  ]);
  const told: string[] = [];
  const source = await openSources(path, (message) => told.push(message));
  const rows = await all(source);
  expect(rows.map(({ captions, image }) => [captions, new TextDecoder().decode(image)])).toEqual([
    [['the clock is green', 'a sign'], 'VG_100K_2/2.jpg'],
    [['a man'], 'VG_100K/1.jpg'],
  ]);
  expect(rows[0]).toMatchObject({
    id: 'region_descriptions/2.jpg',
    labels: [],
    source: 'region_descriptions',
  });
  expect(told).toEqual([]);
});

test('pictures that are not there or have no phrase are counted and told', async () => {
  await writePictures('images/1.jpg', 'images/3.jpg');
  const path = await writeList([
    { id: 1, regions: [region(1, 'a man')] },
    { id: 2, regions: [region(2, 'a dog')] },
    { id: 3, regions: [region(3, ' ')] },
    { id: 4, regions: [] },
  ]);
  const told: string[] = [];
  const source = await openSources(path, (message) => told.push(message));
  expect(source.length).toBe(1);
  expect(told).toEqual([
    expect.stringContaining(
      'left out 1 × picture that is not there, 2 × picture without a phrase; looked for',
    ),
  ]);
});

test('a picture that is listed twice is one row, and phrases in another encoding are counted', async () => {
  await writePictures('images/1.jpg', 'images/2.jpg');
  const path = await writeList([]);
  const list = [
    { id: 1, regions: [region(1, 'a man'), region(1, 'a café')] },
    { id: 2, regions: [region(2, 'a dog')] },
    { id: 1, regions: [region(1, 'a hat'), region(1, 'a man')] },
  ];
  await writeFile(path, Buffer.from(JSON.stringify(list), 'latin1'));
  const told: string[] = [];
  const source = await openSources(path, (message) => told.push(message));
  expect((await all(source)).map(({ id, captions }) => [id, captions])).toEqual([
    ['region_descriptions/1.jpg', ['a man', 'a hat']],
    ['region_descriptions/2.jpg', ['a dog']],
  ]);
  expect(told).toEqual([
    expect.stringContaining(
      'left out 1 × caption with U+FFFD, which stands where text was not UTF-8; looked for',
    ),
  ]);
});

test.each([
  ['a byte order mark', '\ufeff'],
  ['blank lines', '\n\r\n'],
])('%s before the list', async (_, before) => {
  await writePictures('images/1.jpg');
  const path = await writeList([]);
  await writeFile(path, before + JSON.stringify([{ id: 1, regions: [region(1, 'a man')] }]));
  expect((await openSources(path)).length).toBe(1);
});

test('missing folders and other lists are refused', async () => {
  const path = await writeList([{ id: 1, regions: [region(1, 'a man')] }]);
  const tried = ['VG_100K', 'VG_100K_2', 'images'].map((name) => join(folder, name)).join(', ');
  await expect(openSources(path)).rejects.toThrow(
    `Reading ${path}: found no picture with a phrase but 1 × picture that is not there; looked for <image_id>.jpg in ${tried}.`,
  );
  await expect(openSources(await writeList([{ id: 1, objects: [] }]))).rejects.toThrow(
    `Reading ${path}, picture 0: found undefined at regions, expected Visual Genome's region descriptions`,
  );
  await expect(openSources(await writeList([]))).rejects.toThrow(
    'found no picture with a phrase; looked for',
  );
});

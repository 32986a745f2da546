import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ColumnSource } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { all, labelled, picture, writeFiles, writeParquet as writeParquetIn } from './fixtures/rows.ts';
import {
  defaultHeldOut,
  drawRows,
  namedByCaption,
  openSources,
  selectRows,
  splitClasses,
  splitHeldOut,
  splitRows,
  upsample,
} from './sources.ts';
import type { PairSource } from './types.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-data-'));
});
afterEach(() => rm(folder, { recursive: true }));

const writeParquet = (name: string, columns: ColumnSource[]) => writeParquetIn(folder, name, columns);

describe('several sources', () => {
  test('paths and folders of parquet files are joined in their order', async () => {
    await mkdir(join(folder, 'set'));
    await writeParquet('set/b.parquet', labelled(['b0', 'b1']));
    await writeParquet('set/a.parquet', labelled(['a0']));
    const last = await writeParquet('z.parquet', labelled(['z0', 'z1', 'z2']));
    const source = await openSources(`${join(folder, 'set')}, ${last}`);
    expect(source.length).toBe(6);
    expect((await all(source)).map(({ labels }) => labels[0])).toEqual(['a0', 'b0', 'b1', 'z0', 'z1', 'z2']);
    expect(source.text(4).labels).toEqual(['z1']);
    expect([...(await source.row(5)).image]).toEqual([1, 2, 3, 2]);
    expect(source.text(2).source).toBe('b');
  });

  test('files of one name in folders of one name keep their rows apart', async () => {
    const paths = ['a/train', 'b/train'].map((path) => join(folder, path));
    for (const [i, path] of paths.entries()) {
      await mkdir(path, { recursive: true });
      await writeParquetIn(path, 'part.parquet', labelled([`${i}0`, `${i}1`]));
    }
    const rows = await all(await openSources(paths.join()));
    expect(new Set(rows.map(({ id }) => id)).size).toBe(4);
    expect(rows[3].id).toBe(`${join(paths[1], 'part.parquet')}: train/part.parquet row 1`);
    expect(rows.map(({ labels }) => labels[0])).toEqual(['00', '01', '10', '11']);
  });

  test('the same file twice is refused, under whatever name, and path*2 pointed to', async () => {
    await mkdir(join(folder, 'set'));
    const file = await writeParquet('set/a.parquet', labelled(['x', 'y']));
    const other = await writeParquet('other.parquet', labelled(['z']));
    const animals = join(folder, 'animals');
    await writeFiles(animals, { 'cat/1.png': 'x' });
    const link = join(folder, 'link.parquet');
    await symlink(file, link);
    for (const [spec, twice] of [
      [`${file},${other},${file}`, file],
      [`${file}*2,${folder}/set/../set/a.parquet`, `${folder}/set/../set/a.parquet`],
      [`${join(folder, 'set')},${file}`, file],
      [`${file},${link}`, link],
      [`${animals},${other},${animals}/`, `${animals}/`],
    ])
      await expect(openSources(spec)).rejects.toThrow(
        `Opening the data ${spec}: found ${twice} in it twice, expected each file once, or a picture could be trained on and held out at the same time. Name it once, as path*2 where`,
      );
    expect((await openSources(`${file}*2,${other}`)).length).toBe(3);
  });

  test('a path that is not there and an empty one are named', async () => {
    const missing = join(folder, 'missing.parquet');
    await expect(openSources(missing)).rejects.toThrow(`Opening the data ${missing}: no such file or folder`);
    await expect(openSources(`${missing},`)).rejects.toThrow();
    await expect(openSources('')).rejects.toThrow('found an empty path');
  });
});

describe('holding rows out', () => {
  const labels = [
    ...Array.from({ length: 60 }, () => 'common'),
    ...Array.from({ length: 20 }, () => 'rare'),
    'single',
    ...Array.from({ length: 20 }, () => ''),
  ];
  const source: PairSource = {
    name: 'made up',
    length: labels.length,
    text: (i) => ({
      id: `row ${i}`,
      labels: labels[i] === '' ? [] : [labels[i]],
      captions: labels[i] === '' ? ['a sentence'] : [],
      source: i % 2 === 0 ? 'even' : 'odd',
    }),
    row: async (i) => ({ ...source.text(i), image: picture(i) }),
  };
  const ids = (from: PairSource) => Array.from({ length: from.length }, (_, i) => from.text(i).id);

  test('rows are on one side or the other, in proportion over classes and data sets, labelled ones alone', () => {
    const { train, heldOut } = splitHeldOut(source, { count: 16, seed: 1 });
    expect(heldOut.length).toBe(16);
    expect(new Set([...ids(train), ...ids(heldOut)])).toEqual(new Set(ids(source)));
    expect(train.length + heldOut.length).toBe(source.length);
    const kinds = Array.from({ length: 16 }, (_, i) => {
      const text = heldOut.text(i);
      return `${text.source} ${text.labels[0]}`;
    });
    const counts = Object.fromEntries(
      [...new Set(kinds)].map((kind) => [kind, kinds.filter((k) => k === kind).length]),
    );
    expect(counts).toEqual({ 'even common': 6, 'odd common': 6, 'even rare': 2, 'odd rare': 2 });
  });

  test('the same seed gives the same rows, another seed others', () => {
    const held = (seed: number) => ids(splitHeldOut(source, { count: 16, seed }).heldOut);
    expect(held(5)).toEqual(held(5));
    expect(held(5)).not.toEqual(held(6));
  });

  test('rows carry their pictures along', async () => {
    const { heldOut } = splitHeldOut(source, { count: 4, seed: 1 });
    for (const row of await all(heldOut)) expect(`row ${row.image[3]}`).toBe(row.id);
  });

  test('more than half of the labelled rows are refused', () => {
    expect(() => splitHeldOut(source, { count: 41, seed: 1 })).toThrow(
      'Holding 41 rows of made up out of training: found 80 labelled rows',
    );
    expect(splitHeldOut(source, { count: 0, seed: 1 }).train.length).toBe(source.length);
  });

  test('by default a tenth of the labelled rows, but no more than their classes can spare', () => {
    expect(defaultHeldOut(source, { least: 1, most: 1000 })).toBe(8);
    expect(defaultHeldOut(source, { least: 9, most: 1000 })).toBe(0);
    expect(defaultHeldOut(source, { least: 1, most: 5 })).toBe(5);
    const classesOf = (names: readonly string[]): PairSource => ({
      ...source,
      length: names.length,
      text: (i) => ({ ...source.text(0), labels: [names[i]] }),
    });
    const singles = Array.from({ length: 40 }, (_, i) => `class ${i}`);
    for (const [several, count] of [
      [[], 0],
      [['pair', 'pair', 'pair'], 1],
      [Array(6).fill('six'), 3],
      [Array(20).fill('twenty'), 6],
    ] as const) {
      const mixed = classesOf([...singles, ...several]);
      expect(defaultHeldOut(mixed, { least: 1, most: 1000 })).toBe(count);
      expect(splitHeldOut(mixed, { count, seed: 1 }).heldOut.length).toBe(count);
    }
  });

  test('held-out classes are gone from training by every name, in every data set, the same ones for a seed', () => {
    const names = ['a', 'b', 'c', 'd; Dee', 'dee', 'B'];
    const many: PairSource = {
      ...source,
      length: 60,
      text: (i) => ({
        ...source.text(0),
        id: `${i}`,
        labels: i < 54 ? names[i % 6].split('; ') : [],
        captions: [],
      }),
    };
    const labelsOf = (from: PairSource) => [
      ...new Set(
        Array.from({ length: from.length }, (_, i) => from.text(i).labels)
          .flat()
          .map((l) => l.toLowerCase()),
      ),
    ];
    for (let seed = 0; seed < 20; seed++) {
      const { train, unseen } = splitClasses(many, { count: 2, seed });
      expect(train.length + unseen.length).toBe(60);
      expect(unseen.length).toBeGreaterThanOrEqual(18);
      const held = labelsOf(unseen).filter((label) => !labelsOf(train).includes(label));
      expect(held.length).toBeGreaterThanOrEqual(2);
      expect(ids(splitClasses(many, { count: 2, seed }).unseen)).toEqual(ids(unseen));
    }
    const drawn = Array.from({ length: 20 }, (_, seed) =>
      ids(splitClasses(many, { count: 2, seed }).unseen).join(),
    );
    expect(new Set(drawn).size).toBeGreaterThan(3);
    expect(() => splitClasses(many, { count: 3, seed: 1 })).toThrow(
      'Holding 3 classes of made up out of training: found 5',
    );
  });

  test('selected rows keep their order', () => {
    expect(ids(selectRows(source, [3, 1], 'two'))).toEqual(['row 3', 'row 1']);
  });
});

const shared = '../shared/data';
describe.skipIf(!existsSync(shared))(`shared data (skipped where ${shared} is missing)`, () => {
  test('training rows are as many, and captioned, as their description says', async () => {
    const source = await openSources(`${shared}/train`);
    expect(source.length).toBe(111_354);
    const bySource = new Map<string, number>();
    for (let i = 0; i < source.length; i++) {
      const text = source.text(i);
      bySource.set(text.source, (bySource.get(text.source) ?? 0) + 1);
    }
    expect(bySource.get('tiny_imagenet')).toBe(60_000);
    expect(bySource.get('flickr8k-train')).toBe(5999);
    const { heldOut } = splitHeldOut(source, { count: 2000, seed: 1 });
    const held = Array.from({ length: heldOut.length }, (_, i) => heldOut.text(i).source);
    expect(held.filter((name) => name === 'tiny_imagenet').length / 2000).toBeCloseTo(60_000 / 95_206, 1);
  });

  test('evaluation rows come in order with their labels or captions', async () => {
    const grocery = await openSources(`${shared}/eval/grocery_store.parquet`);
    expect(grocery.length).toBe(324);
    expect(grocery.text(0).labels).toEqual(['papaya']);
    const flickr = await openSources(`${shared}/eval/flickr8k-test.parquet`);
    const captions = await all(flickr);
    expect(captions.reduce((sum, row) => sum + row.captions.length, 0)).toBe(4999);
  });
});

describe('upsample', () => {
  test('repeats the rows of the data sets that are named, and refuses one that is not there', async () => {
    const fruit = await writeParquet('fruit.parquet', labelled(['apple', 'pear']));
    const birds = await writeParquet('birds.parquet', labelled(['owl']));
    const source = await openSources(`${fruit},${birds}`);
    const labels = async (factors: [string, number][]) =>
      (await all(upsample(source, new Map(factors)))).map((row) => row.labels[0]);
    expect(await labels([])).toEqual(['apple', 'pear', 'owl']);
    expect(await labels([['birds', 3]])).toEqual(['apple', 'pear', 'owl', 'owl', 'owl']);
    expect(await labels([['fruit', 2]])).toEqual(['apple', 'apple', 'pear', 'pear', 'owl']);
    expect(() => upsample(source, new Map([['fish', 2]]))).toThrow(
      /^Showing fish more often: .* has no such data set, only fruit, birds\. Name one of these\.$/,
    );
  });

  test('rows of a path with * are seen so many times, times the factor of their data set', async () => {
    const fruit = await writeParquet('fruit.parquet', labelled(['apple', 'pear']));
    const birds = await writeParquet('birds.parquet', labelled(['owl']));
    const source = await openSources(`${fruit},${birds}*2`);
    expect(source.length).toBe(3);
    const labels = async (from: PairSource) => (await all(from)).map((row) => row.labels[0]);
    expect(await labels(source)).toEqual(['apple', 'pear', 'owl']);
    expect(await labels(upsample(source, new Map()))).toEqual(['apple', 'pear', 'owl', 'owl']);
    expect(await labels(upsample(source, new Map([['birds', 2]])))).toEqual([
      'apple',
      'pear',
      ...Array(4).fill('owl'),
    ]);
    const single = await openSources(`${birds}*3`);
    expect(await labels(upsample(single, new Map()))).toEqual(['owl', 'owl', 'owl']);
  });

  test('rows without labels are held out by their seed, half at most, and go by their captions', async () => {
    const captions = Array.from({ length: 10 }, (_, i) => `Caption ${i}.`);
    const path = await writeParquet('captioned.parquet', [
      { name: 'image', data: captions.map((_, i) => picture(i)), type: 'BYTE_ARRAY' },
      { name: 'caption', data: captions, type: 'STRING' },
    ]);
    const source = await openSources(path);
    const captionsOf = (rows: PairSource) =>
      Array.from({ length: rows.length }, (_, i) => rows.text(i).captions[0]);
    const { train, heldOut } = splitRows(source, { count: 4, seed: 1 });
    expect([train.length, heldOut.length]).toEqual([6, 4]);
    expect([...captionsOf(train), ...captionsOf(heldOut)].sort()).toEqual(captions);
    expect(captionsOf(splitRows(source, { count: 4, seed: 1 }).heldOut)).toEqual(captionsOf(heldOut));
    expect(captionsOf(splitRows(source, { count: 4, seed: 2 }).heldOut)).not.toEqual(captionsOf(heldOut));
    expect(() => splitRows(source, { count: 6, seed: 1 })).toThrow('found 10 rows, of which at most half');
    expect(captionsOf(drawRows(source, { count: 3, seed: 1 }))).toHaveLength(3);
    expect(drawRows(source, { count: 10, seed: 1 })).toBe(source);
    const named = namedByCaption(source);
    expect(named.text(2)).toMatchObject({ labels: ['Caption 2.'], captions: [] });
    expect(await named.row(2)).toMatchObject({ labels: ['Caption 2.'], captions: [] });
  });

  test('a row that is held out is not trained on, however often its path is seen', async () => {
    const path = await writeParquet('many.parquet', labelled(Array(10).fill('x')));
    const { train, heldOut } = splitHeldOut(await openSources(`${path}*3`), { count: 4, seed: 1 });
    const shown = upsample(train, new Map());
    expect(shown.length).toBe(18);
    const ids = (from: PairSource) => new Set(Array.from({ length: from.length }, (_, i) => from.text(i).id));
    for (const id of ids(heldOut)) expect(ids(shown)).not.toContain(id);
  });
});

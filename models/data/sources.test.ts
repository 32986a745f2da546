import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ColumnSource } from 'hyparquet-writer';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultHeldOut, openSources, readRows, selectRows, splitHeldOut, upsample } from './sources.ts';
import type { PairRow, PairSource } from './types.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-data-'));
});
afterEach(() => rm(folder, { recursive: true }));

const picture = (i: number) => Uint8Array.of(1, 2, 3, i);

async function writeParquet(name: string, columnData: ColumnSource[]): Promise<string> {
  const filename = join(folder, name);
  await parquetWriteFile({ filename, columnData, rowGroupSize: 2 });
  return filename;
}

function labelled(labels: (string | null)[]): ColumnSource[] {
  return [
    { name: 'image', data: labels.map((_, i) => picture(i)), type: 'BYTE_ARRAY' },
    { name: 'label', data: labels, type: 'STRING' },
  ];
}

async function all(source: PairSource): Promise<PairRow[]> {
  const rows: PairRow[] = [];
  for await (const row of readRows(source)) rows.push(row);
  return rows;
}

describe('parquet', () => {
  test('names of a label, rows of several groups in order, the file as data set', async () => {
    const path = await writeParquet(
      'fruit.parquet',
      labelled(['granny_smith; apple', 'pear', 'pear;  pear;']),
    );
    const source = await openSources(path);
    expect(source.name).toBe(path);
    const rows = await all(source);
    expect(rows.map(({ labels }) => labels)).toEqual([['granny smith', 'apple'], ['pear'], ['pear']]);
    expect(rows.map(({ image }) => [...image])).toEqual([0, 1, 2].map((i) => [1, 2, 3, i]));
    expect(rows.map((row) => row.source)).toEqual(['fruit', 'fruit', 'fruit']);
    expect(rows[2].id).toMatch(/[/\\]fruit\.parquet row 2$/);
    expect(rows[2].captions).toEqual([]);
    expect(source.text(0).labels).toEqual(['granny smith', 'apple']);
  });

  test('single captions, a column of data sets, columns of no concern', async () => {
    const path = await writeParquet('mixed.parquet', [
      { name: 'split', data: [1, 2], type: 'INT32' },
      { name: 'image', data: [picture(0), picture(1)], type: 'BYTE_ARRAY' },
      { name: 'caption', data: [' A dog runs ', null], type: 'STRING' },
      { name: 'label', data: [null, 'cat'], type: 'STRING' },
      { name: 'source', data: ['walks', 'homes'], type: 'STRING' },
    ]);
    const rows = await all(await openSources(path));
    expect(rows.map(({ labels, captions, source }) => ({ labels, captions, source }))).toEqual([
      { labels: [], captions: ['A dog runs'], source: 'walks' },
      { labels: ['cat'], captions: [], source: 'homes' },
    ]);
  });

  test("lists of captions and the hub's struct of bytes", async () => {
    const filename = join(folder, 'hub.parquet');
    await parquetWriteFile({
      filename,
      schema: [
        { name: 'root', num_children: 2 },
        { name: 'image', repetition_type: 'OPTIONAL', num_children: 2 },
        { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
        { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'captions', repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      ],
      columnData: [
        { name: 'image', data: [{ bytes: picture(9), path: 'x.jpg' }] },
        { name: 'captions', data: [['one', 'two']] },
      ],
    });
    const [row] = await all(await openSources(filename));
    expect([...row.image]).toEqual([1, 2, 3, 9]);
    expect(row.captions).toEqual(['one', 'two']);
    expect(row.labels).toEqual([]);
  });

  test('strings without an annotation come as bytes and are read all the same', async () => {
    const path = await writeParquet('old.parquet', [
      { name: 'image', data: [picture(0)], type: 'BYTE_ARRAY' },
      { name: 'label', data: [new TextEncoder().encode('café')], type: 'BYTE_ARRAY' },
    ]);
    expect((await openSources(path)).text(0).labels).toEqual(['café']);
  });

  test('a missing column names the file, the columns found and those expected', async () => {
    const words = await writeParquet('words.parquet', [{ name: 'label', data: ['cat'], type: 'STRING' }]);
    await expect(openSources(words)).rejects.toThrow(
      `Reading ${words}: found the columns label, expected image (bytes) and at least one of label`,
    );
    const pictures = await writeParquet('pictures.parquet', [
      { name: 'image', data: [picture(0)], type: 'BYTE_ARRAY' },
      { name: 'text', data: ['a cat'], type: 'STRING' },
    ]);
    await expect(openSources(pictures)).rejects.toThrow('found the columns image, text, expected');
  });

  test('class numbers, missing pictures and rows without words are named with their row', async () => {
    const numbers = await writeParquet('numbers.parquet', [
      { name: 'image', data: [picture(0)], type: 'BYTE_ARRAY' },
      { name: 'label', data: [3], type: 'INT32' },
    ]);
    await expect(openSources(numbers)).rejects.toThrow(
      `Reading ${numbers}, row 0: found 3 in the column label, expected`,
    );
    const noPicture = await writeParquet('no-picture.parquet', [
      { name: 'image', data: [picture(0), null], type: 'BYTE_ARRAY' },
      { name: 'label', data: ['a', 'b'], type: 'STRING' },
    ]);
    await expect(openSources(noPicture)).rejects.toThrow('row 1: found null in the column image');
    const empty = await writeParquet('empty.parquet', labelled(['cat', ' ; ']));
    await expect(openSources(empty)).rejects.toThrow('row 1: found neither a label nor a caption');
  });

  test('a file that is no parquet file, a cut one and one without rows are refused', async () => {
    const text = join(folder, 'notes.txt');
    await writeFile(text, 'not a parquet file at all');
    await expect(openSources(text)).rejects.toThrow(`Reading ${text}: found no sound parquet file (`);
    const path = await writeParquet('cut.parquet', labelled(['a', 'b', 'c']));
    const bytes = await readFile(path);
    bytes.fill(0xff, 4, 60);
    await writeFile(path, bytes);
    await expect(openSources(path)).rejects.toThrow(`Reading ${path}: found no sound parquet file (`);
    await expect(openSources(await writeParquet('none.parquet', labelled([])))).rejects.toThrow(
      'found no rows',
    );
  });
});

describe('class folders', () => {
  async function writeFiles(files: Record<string, string>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), content);
    }
  }

  test('folder names are labels, pictures come in the order of their names, other files are passed over', async () => {
    await writeFiles({
      'animals/golden_retriever/2.jpg': 'two',
      'animals/golden_retriever/1.JPEG': 'one',
      'animals/golden_retriever/Thumbs.db': 'x',
      'animals/cat; tabby/a.png': 'a',
      'animals/.git/HEAD.png': 'x',
      'animals/readme.txt': 'x',
    });
    const source = await openSources(join(folder, 'animals'), () => undefined);
    expect(source.length).toBe(3);
    expect(
      (await all(source)).map(({ image, ...text }) => ({ ...text, image: new TextDecoder().decode(image) })),
    ).toEqual([
      {
        id: 'animals/cat; tabby/a.png',
        labels: ['cat', 'tabby'],
        captions: [],
        source: 'animals',
        image: 'a',
      },
      {
        id: 'animals/golden_retriever/1.JPEG',
        labels: ['golden retriever'],
        captions: [],
        source: 'animals',
        image: 'one',
      },
      {
        id: 'animals/golden_retriever/2.jpg',
        labels: ['golden retriever'],
        captions: [],
        source: 'animals',
        image: 'two',
      },
    ]);
  });

  test('what is left out is counted and told', async () => {
    const opened = async (path: string) => {
      const told: string[] = [];
      const { length } = await openSources(join(folder, path), (message) => told.push(message));
      return { length, told };
    };
    await writeFiles({ 'animals/dog/1.png': 'x', 'animals/cat/1.png': 'x' });
    expect(await opened('animals')).toEqual({ length: 2, told: [] });
    await writeFiles({
      'animals/dog/2.HEIC': 'x',
      'animals/cat/2.heic': 'x',
      'animals/cat/3.bmp': 'x',
      'animals/cat/kittens/1.png': 'x',
    });
    expect(await opened('animals')).toEqual({
      length: 2,
      told: [expect.stringContaining('animals: left out 2 × .heic, 1 × .bmp, 1 × folder, expected .jpg')],
    });
    await writeFiles({ 'photos/dog/1.HEIC': 'x' });
    await expect(opened('photos')).rejects.toThrow('found no picture in it but 1 × .heic, expected .jpg');
    await writeParquet('animals/extra.parquet', labelled(['bird']));
    expect(await opened('animals')).toEqual({
      length: 1,
      told: [expect.stringContaining('animals: left out 2 folders in it, since')],
    });
  });

  test('a linked class folder counts', async () => {
    await writeFiles({ 'elsewhere/cat/1.png': 'x', 'animals/dog/1.png': 'x' });
    await symlink(join(folder, 'elsewhere/cat'), join(folder, 'animals/cat'));
    expect((await openSources(join(folder, 'animals'))).length).toBe(2);
  });

  test('a link that leads nowhere and a class without a name are named', async () => {
    await writeFiles({ 'animals/dog/1.png': 'x' });
    const link = join(folder, 'animals/cat');
    await symlink(join(folder, 'nowhere'), link);
    await expect(openSources(join(folder, 'animals'))).rejects.toThrow(
      `Reading the link ${link}: it leads nowhere.`,
    );
    await rm(link);
    const picture = join(folder, 'animals/dog/2.png');
    await symlink(join(folder, 'nowhere'), picture);
    await expect(openSources(join(folder, 'animals'))).rejects.toThrow(
      `Reading the link ${picture}: it leads nowhere.`,
    );
    await rm(picture);
    await writeFiles({ 'animals/;/1.png': 'x' });
    await expect(openSources(join(folder, 'animals'))).rejects.toThrow(
      `Reading the class folder ${join(folder, 'animals', ';')}: found no name in its own`,
    );
  });

  test('an empty folder, an empty class and a vanished picture are named', async () => {
    await writeFiles({ 'animals/dog/1.png': 'x', 'animals/cat/notes.txt': 'x', 'bare/1.png': 'x' });
    await mkdir(join(folder, 'empty'));
    await expect(openSources(join(folder, 'empty'))).rejects.toThrow(
      `Reading the folder ${join(folder, 'empty')}: found neither parquet files nor folders in it`,
    );
    await expect(openSources(join(folder, 'bare'))).rejects.toThrow(
      'found neither parquet files nor folders',
    );
    await expect(openSources(join(folder, 'animals'))).rejects.toThrow(
      `Reading the class folder ${join(folder, 'animals', 'cat')}: found no picture in it`,
    );
    await rm(join(folder, 'animals', 'cat'), { recursive: true });
    const source = await openSources(join(folder, 'animals'));
    await rm(join(folder, 'animals', 'dog', '1.png'));
    await expect(source.row(0)).rejects.toThrow(
      `Reading the picture ${join(folder, 'animals', 'dog', '1.png')}`,
    );
  });
});

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
    expect(defaultHeldOut(source, 1000)).toBe(8);
    expect(defaultHeldOut(source, 5)).toBe(5);
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
      expect(defaultHeldOut(mixed, 1000)).toBe(count);
      expect(splitHeldOut(mixed, { count, seed: 1 }).heldOut.length).toBe(count);
    }
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

  test('a row that is held out is not trained on, however often its path is seen', async () => {
    const path = await writeParquet('many.parquet', labelled(Array(10).fill('x')));
    const { train, heldOut } = splitHeldOut(await openSources(`${path}*3`), { count: 4, seed: 1 });
    const shown = upsample(train, new Map());
    expect(shown.length).toBe(18);
    const ids = (from: PairSource) => new Set(Array.from({ length: from.length }, (_, i) => from.text(i).id));
    for (const id of ids(heldOut)) expect(ids(shown)).not.toContain(id);
  });
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type ColumnSource, parquetWriteFile } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { all, labelled, picture, writeParquet as writeParquetIn } from './fixtures/rows.ts';
import { openSources } from './sources.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-data-'));
});
afterEach(() => rm(folder, { recursive: true }));

const writeParquet = (name: string, columns: ColumnSource[]) => writeParquetIn(folder, name, columns);

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
    expect(rows[2].id).toBe(`${basename(folder)}/fruit.parquet row 2`);
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

  test('words in another encoding are counted and told, and rows without others are left out', async () => {
    const latin = (text: string) => Buffer.from(text, 'latin1');
    const path = await writeParquet('latin.parquet', [
      { name: 'image', data: [0, 1, 2, 3].map(picture), type: 'BYTE_ARRAY' },
      { name: 'label', data: ['', 'café', 'thé', ''].map(latin), type: 'BYTE_ARRAY' },
      { name: 'caption', data: ['un café', 'a cup', '', 'a dog'].map(latin), type: 'BYTE_ARRAY' },
    ]);
    const told: string[] = [];
    const source = await openSources(path, (message) => told.push(message));
    expect(
      (await all(source)).map(({ id, labels, captions, image }) => [id, labels, captions, image[3]]),
    ).toEqual([
      [`${basename(folder)}/latin.parquet row 1`, [], ['a cup'], 1],
      [`${basename(folder)}/latin.parquet row 3`, [], ['a dog'], 3],
    ]);
    expect(told).toEqual([
      `Reading ${path}: left out 1 × caption with U+FFFD, which stands where text was not UTF-8, 2 × label with U+FFFD, which stands where text was not UTF-8, expected words in UTF-8. Write the file anew, with its text read in the encoding that it has.`,
    ]);
    const none = await writeParquet('none.parquet', [
      { name: 'image', data: [picture(0)], type: 'BYTE_ARRAY' },
      { name: 'caption', data: [latin('un café')], type: 'BYTE_ARRAY' },
    ]);
    await expect(openSources(none)).rejects.toThrow(
      `Reading ${none}: found no rows with words but 1 × caption with U+FFFD, which stands where text was not UTF-8, expected`,
    );
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
    // As a damaged one, which a run counts and skips.
    expect((await (await openSources(noPicture)).row(1)).image).toHaveLength(0);
    const empty = await writeParquet('empty.parquet', labelled(['cat', ' ; ']));
    await expect(openSources(empty)).rejects.toThrow('row 1: found neither a label nor a caption');
  });

  test('a file that is no parquet file, a cut one and one without rows are refused', async () => {
    const text = join(folder, 'notes.parquet');
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

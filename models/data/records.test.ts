import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { firstLine, readRecords } from './records.ts';

let path = '';
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'promptlens-records-')), 'list.tsv');
});
afterEach(() => rm(join(path, '..'), { recursive: true }));

async function all(separator: string, quoted: boolean): Promise<string[][]> {
  const records: string[][] = [];
  for await (const record of readRecords(path, { separator, quoted })) records.push(record);
  return records;
}

test('records as they stand, quotation marks only where they are asked for', async () => {
  await writeFile(path, 'a\t"b\tc"\n\nd\n');
  expect(await all('\t', true)).toEqual([['a', 'b\tc'], ['d']]);
  expect(await all('\t', false)).toEqual([['a', '"b', 'c"'], ['d']]);
});

test('a long file arrives whole, in order, and may be left in the middle', async () => {
  await writeFile(path, Array.from({ length: 20_000 }, (_, i) => `${i},${'x'.repeat(i % 50)}\n`).join(''));
  const records = await all(',', true);
  expect(records.length).toBe(20_000);
  expect(records.every(([number, text], i) => number === String(i) && text.length === i % 50)).toBe(true);
  for await (const record of readRecords(path, { separator: ',', quoted: true })) {
    expect(record).toEqual(['0', '']);
    break;
  }
});

test('a record beyond all bounds and a file that is not there are sentences', async () => {
  await writeFile(path, `"${'x'.repeat(2 ** 20 + 100)}"\n`);
  await expect(all(',', true)).rejects.toThrow(
    /^Reading .*list\.tsv: found no sound list of separated values \(Max Record Size/,
  );
  await rm(path);
  await expect(all('\t', true)).rejects.toThrow(/^Reading .*list\.tsv: .*ENOENT/);
  await expect(firstLine(path)).rejects.toThrow(/^Reading .*list\.tsv: it cannot be opened/);
});

test('lines that end in several ways, as in lists that were put together', async () => {
  await writeFile(path, 'a\tb\r\nc\t"d\ne"\r\n\nf\tg\nh\ti\rj\tk\r\n');
  const records = [
    ['a', 'b'],
    ['c', 'd\ne'],
    ['f', 'g'],
    ['h', 'i'],
    ['j', 'k'],
  ];
  expect(await all('\t', true)).toEqual(records);
  await writeFile(path, 'a\tb\nc\td\r\n');
  expect(await all('\t', false)).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
});

test('the first line alone', async () => {
  await writeFile(path, 'one\ttwo\r\nthree');
  expect(await firstLine(path)).toBe('one\ttwo');
  await writeFile(path, '\ufeffone\rtwo\nthree');
  expect(await firstLine(path)).toBe('one');
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readJsonArray } from './json-array.ts';

let path = '';
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'promptlens-json-')), 'list.json');
});
afterEach(() => rm(join(path, '..'), { recursive: true }));

async function read(content: string): Promise<unknown[]> {
  await writeFile(path, content);
  const values: unknown[] = [];
  for await (const value of readJsonArray(path)) values.push(value);
  return values;
}

test('whatever objects JSON may hold, with and without blanks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
      fc.boolean(),
      async (list, blanks) => {
        const content = JSON.stringify(list, null, blanks ? 2 : 0);
        expect(await read(content)).toEqual(JSON.parse(content));
      },
    ),
    { numRuns: 60 },
  );
});

test('a byte order mark and blank lines before it', async () => {
  expect(await read('\ufeff\n \n[{"a": "\ufeff"}]\n')).toEqual([{ a: '\ufeff' }]);
});

test('objects that lie across the pieces in which a file is read', async () => {
  const list = Array.from({ length: 400 }, (_, i) => ({ i, text: `"]}\\é${'x'.repeat(7000)}` }));
  expect(await read(JSON.stringify(list))).toEqual(list);
});

test.each([
  ['{"images": []}', 'found "{" at its start'],
  ['[{"a": 1}, 2]', 'found "2" after 1 objects'],
  ['[{"a": 1}, {"b": ', 'found that it ends in the middle, after 1 objects'],
  ['[{"a": 1} {"a" 1}]', 'found no JSON in object 1'],
  ['[{"a": 1}] x', 'found "x" after its end'],
  ['[{"a": 1}]\ufeff', 'found "ï" after its end'],
  ['', 'found that it ends in the middle, after 0 objects'],
])('%s is refused', async (content, reason) => {
  await expect(read(content)).rejects.toThrow(
    `Reading ${path}: ${reason}, expected one JSON array of objects.`,
  );
});

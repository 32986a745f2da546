import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { openWordVectors, readWordVectors } from './word-vectors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'word-vectors-'));
});
afterAll(() => rm(folder, { recursive: true }));

const file = async (content: string) => {
  const path = join(folder, 'vectors');
  await writeFile(path, content);
  return path;
};
const dot = (a: Float32Array | undefined, b: Float32Array | undefined) =>
  a && b ? a.reduce((sum, x, i) => sum + x * b[i], 0) : Number.NaN;

const NUMBERS = { dog: [3, 0.5, 1], cat: [2, 1, 1], car: [1, -2, 1.5], unasked: [9, 9, 9] };
const LINES = Object.entries(NUMBERS).map(([word, vector]) => [word, ...vector].join(' '));
const JSON_FILE = {
  precision: 1,
  dimensions: 3,
  words: Object.keys(NUMBERS),
  vectors: Object.fromEntries(Object.entries(NUMBERS).map(([word, all], i) => [word, [...all, 1.5, i]])),
  unkVector: [0, 0, 0, 0, -1],
};
const WANTED = ['Dog', 'cat', 'car', 'cat dog', 'hovercraft'];

describe.each([
  ["GloVe's text", `${LINES.join('\n')}\n`],
  ["word2vec's text", `4 3\n${LINES.map((line) => `${line} `).join('\n')}\n`],
  ["wink's JSON", JSON.stringify(JSON_FILE)],
])('%s', (_, content) => {
  it('gives the same vectors, of length 1 and around the mean of the words that are asked for', async () => {
    const vectors = await readWordVectors(await file(content), WANTED);
    expect(vectors.size).toBe(3);
    const units = [NUMBERS.dog, NUMBERS.cat, NUMBERS.car].map((each) =>
      each.map((x) => x / Math.hypot(...each)),
    );
    const mean = [0, 1, 2].map((i) => units.reduce((sum, each) => sum + each[i] / 3, 0));
    const centred = units.map((each) => each.map((x, i) => x - mean[i]));
    for (const [i, word] of ['dog', 'cat', 'car'].entries()) {
      const expected = centred[i].map((x) => x / Math.hypot(...centred[i]));
      vectors.of(word)?.forEach((x, k) => {
        expect(x).toBeCloseTo(expected[k], 6);
      });
    }
    expect(dot(vectors.of('dog'), vectors.of('cat'))).toBeGreaterThan(
      dot(vectors.of('dog'), vectors.of('car')),
    );
  });

  it('has those of names by their words, and none of a name with a word that it lacks', async () => {
    const vectors = await readWordVectors(await file(content), WANTED);
    const both = vectors.of('Cat, dog');
    expect(dot(both, both)).toBeCloseTo(1, 6);
    expect(dot(both, vectors.of('cat'))).toBeGreaterThan(0);
    for (const name of ['hovercraft', 'dog hovercraft', 'unasked', '', ' - '])
      expect(vectors.of(name)).toBeUndefined();
  });
});

test.each([
  ['no file', null, /nowhere could not be read: it is not there\. Name a file of English word vectors/],
  ['none of the words', 'bird 1 2 3\n', /holds no vector of the 4 words that are asked for/],
  [
    'a vector cut short',
    'dog 1 2 3\ncat 1 2\n',
    /The vector at line 2 of .* has 2 fields, "1 2" first; expected 3 numbers/,
  ],
  [
    'a word for a number',
    'dog 1 2 three\n',
    /The vector at line 1 of .* has 3 fields, "1 2 three" first; expected 3 numbers/,
  ],
  [
    'JSON of other lengths',
    '{"vectors":{"dog":[1,2,3,1,0],"cat":[1,2,1,1]}}',
    /The vector at cat in .* has 2 fields/,
  ],
])('refused: %s', async (_, content, message) => {
  const path = content === null ? join(folder, 'nowhere') : await file(content);
  await expect(readWordVectors(path, WANTED)).rejects.toThrow(message);
});

test('JSON is read piece by piece, whatever a piece ends in', async () => {
  const many = Array.from({ length: 60_000 }, (_, i) => [`word${i}`, [i, 1, i / 3, 9, i]] as const);
  const content = JSON.stringify({ words: many.map(([word]) => word), vectors: Object.fromEntries(many) });
  expect(content.length).toBeGreaterThan(2 ** 21);
  const vectors = await readWordVectors(
    await file(content),
    many.map(([word]) => word),
  );
  for (const [word] of many) expect(vectors.of(word), word).toHaveLength(3);
});

test('a single word has no direction of its own', () => {
  const vectors = openWordVectors(new Map([['dog', Float32Array.of(1, 2)]]));
  expect(vectors.of('dog')).toEqual(Float32Array.of(0, 0));
});

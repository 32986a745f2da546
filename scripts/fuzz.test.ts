// A few cases of `npm run fuzz`, and that it sees what it looks for.

import { describe, expect, test } from 'vitest';
import { runCases } from './fuzz/run-cases.ts';
import type { Target } from './fuzz/target.ts';
import { TARGETS } from './fuzz/targets.ts';

const CASES = 50;
/** Of its own, so that what is found here is not what the script begins with. */
const SEED = 20;

describe('hostile files end in a value or in one sentence', () => {
  test.each(Object.keys(TARGETS))('%s', async (name) => {
    const { tally, violation } = await runCases(await TARGETS[name](), SEED, [0, CASES]);
    expect(violation).toBeNull();
    expect(tally.refused + tally.accepted).toBe(CASES);
    expect(tally.refused).toBeGreaterThan(CASES / 10);
  });
});

describe('a violation is', () => {
  const reading = (read: Target['read']) =>
    runCases({ name: 'a', names: /a\.bin/, make: () => Uint8Array.of(1, 2, 3), read }, SEED, [7, 9]);
  const held: Uint8Array[] = [];

  test.each<[string, Target['read'], RegExp]>([
    ['an error of the engine', () => (null as unknown as []).length, /^it threw a TypeError: /],
    ['what is no error', () => Promise.reject('a.bin'), /^it threw a\.bin$/],
    [
      "the engine's own words",
      () => Promise.reject(new Error('a.bin: Invalid array length.')),
      /is the engine's/,
    ],
    ['several lines', () => Promise.reject(new Error('a.bin was refused:\nno.')), /is no sentence/],
    ['half a sentence', () => Promise.reject(new Error('a.bin was refused')), /is no sentence/],
    ['a page of text', () => Promise.reject(new Error(`a.bin ${'x'.repeat(1000)}.`)), /is no sentence/],
    [
      'a refusal without the file',
      () => Promise.reject(new Error('It was refused.')),
      /does not name the file/,
    ],
    ['a large allocation', () => held.push(new Uint8Array(1e8)), /^it took \d+ bytes for a file of 3$/],
  ])('%s', async (_, read, reason) => {
    const { tally, violation } = await reading(read);
    expect(violation?.reason).toMatch(reason);
    expect(violation).toMatchObject({ index: 7, file: Uint8Array.of(1, 2, 3) });
    expect(tally.cases).toBe(1);
  });

  test('neither a value nor a sentence', async () => {
    expect((await reading(() => 5)).tally).toMatchObject({ accepted: 2, refused: 0 });
    expect(await reading(() => Promise.reject(new Error('a.bin was refused: it is small.')))).toMatchObject({
      tally: { accepted: 0, refused: 2 },
      violation: null,
    });
  });
});

test('a case is the same file whenever it is made', async () => {
  const made = async () => {
    const files: Uint8Array[] = [];
    const target = await TARGETS.graph();
    await runCases({ ...target, read: (file) => files.push(file) }, SEED, [3, 6]);
    return files;
  };
  expect(await made()).toEqual(await made());
});

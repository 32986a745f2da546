import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMerger, type Merge } from './merges.ts';

/** Random merges over 3 symbols: each pairs two tokens that are already there, as training does. */
const randomMerges = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 40 }).map((draws) =>
  draws.map(([left, right], i): Merge => {
    const tokens = 3 + i;
    return [left % tokens, right % tokens, tokens];
  }),
);
const randomWord = fc.array(fc.integer({ min: -1, max: 2 }), { minLength: 1, maxLength: 80 });

/** The definition: the lowest rank anywhere, from the left, one merge at a time. The last of equal merges counts. */
function mergeByDefinition(merges: readonly Merge[], word: readonly number[]): number[] {
  const symbols = [...word];
  for (;;) {
    const ranks = symbols
      .slice(1)
      .map((right, i) => merges.findLastIndex(([l, r]) => l === symbols[i] && r === right));
    const best = Math.min(...ranks.filter((rank) => rank >= 0));
    if (!Number.isFinite(best)) return symbols;
    symbols.splice(ranks.indexOf(best), 2, merges[best][2]);
  }
}

test('short and long words merge as the definition says', () => {
  fc.assert(
    fc.property(randomMerges, randomWord, (merges, word) => {
      const merge = createMerger(merges);
      const expected = mergeByDefinition(merges, word);
      expect(merge(Int32Array.from(word))).toEqual(expected);
      // Again, with what the first word may have left behind.
      expect(merge(Int32Array.from(word))).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test('no merges at all', () => {
  expect(createMerger([])(Int32Array.of(2, 1, 0))).toEqual([2, 1, 0]);
});

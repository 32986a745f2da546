import { describe, expect, it } from 'vitest';
import { LOSSES } from './contrastive-loss.ts';

const KEYS = [['dog', 'pug'], ['cat'], ['dog'], ['pug', 'dog']];
const rows = (values: ArrayLike<number>) =>
  [0, 4, 8, 12].map((start) => Array.from(values).slice(start, start + 4));

describe('softmax', () => {
  it('takes twins out of the negatives, in both directions, where positives are a pair’s own', () => {
    const { mask, caption_targets, picture_targets } = LOSSES.softmax.inputsOf(KEYS, 'own');
    expect(rows(mask).map((row) => row.map((x) => x < 0))).toEqual([
      [false, false, true, true],
      [false, false, false, false],
      [true, false, false, true],
      [true, false, true, false],
    ]);
    const own = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => (i === j ? 0.25 : 0)));
    expect(rows(caption_targets)).toEqual(own);
    expect(rows(picture_targets)).toEqual(own);
  });

  it('shares each row among all twins where positives are several', () => {
    const { mask, caption_targets, picture_targets } = LOSSES.softmax.inputsOf(KEYS, 'several');
    expect(Math.max(...mask.map(Math.abs))).toBe(0);
    const third = Math.fround(1 / 12);
    expect(rows(caption_targets)).toEqual([
      [third, 0, third, third],
      [0, 0.25, 0, 0],
      [third, 0, third, third],
      [third, 0, third, third],
    ]);
    // Twins are each other's, so columns sum to what rows do.
    expect(rows(picture_targets)).toEqual(rows(caption_targets));
  });
});

describe('sigmoid', () => {
  it('counts twins not at all, or as matches', () => {
    const own = LOSSES.sigmoid.inputsOf(KEYS, 'own');
    expect(rows(own.signs)[0]).toEqual([1, -1, -1, -1]);
    expect(rows(own.shares)[0]).toEqual([0.25, 0.25, 0, 0]);
    const several = LOSSES.sigmoid.inputsOf(KEYS, 'several');
    expect(rows(several.signs)[0]).toEqual([1, -1, 1, 1]);
    expect(rows(several.shares)[0]).toEqual([0.25, 0.25, 0.25, 0.25]);
  });
});

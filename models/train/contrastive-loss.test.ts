import { describe, expect, it } from 'vitest';
import { negativesMask, ownTargets } from './contrastive-loss.ts';

describe('negativesMask', () => {
  it('takes out pairs that share any key, in both directions, and no pair with itself', () => {
    const masked = Array.from(
      negativesMask([['dog', 'pug'], ['cat'], ['dog'], ['pug', 'dog']]),
      (x) => x < 0,
    );
    const rows = [0, 4, 8, 12].map((start) => masked.slice(start, start + 4));
    expect(rows).toEqual([
      [false, false, true, true],
      [false, false, false, false],
      [true, false, false, true],
      [true, false, true, false],
    ]);
  });
});

describe('ownTargets', () => {
  it('is the identity over the batch', () => {
    expect(Array.from(ownTargets(2))).toEqual([0.5, 0, 0, 0.5]);
  });
});

import { describe, expect, it } from 'vitest';
import { certainty, chanceOfLuck, standing, unrelated } from './certainty.ts';

describe('chanceOfLuck', () => {
  // scipy.stats.norm.sf(z), and 1 - norm.cdf(z) ** m
  it.each([
    [0, 1, 0.5],
    [1, 1, 0.15865525],
    [-1.5, 1, 0.9331928],
    [2, 10, 0.20555463],
    [3, 1000, 0.74101945],
    [4, 100, 0.00316218],
  ])('z %f among %i labels', (z, labels, expected) => {
    expect(chanceOfLuck(z, labels)).toBeCloseTo(expected, 4);
  });
});

describe('unrelated', () => {
  it('is the mean and the sample deviation', () => {
    expect(unrelated([0.1, 0.2, 0.3])).toEqual({ mean: expect.closeTo(0.2), deviation: expect.closeTo(0.1) });
    expect(standing(0.4, { mean: 0.2, deviation: 0.1 })).toBeCloseTo(2);
  });

  it('is unknown where there is nothing to compare', () => {
    expect(unrelated([])).toBeNull();
    expect(unrelated([0.2])).toBeNull();
    expect(unrelated([0.2, 0.2, 0.2])).toBeNull();
  });
});

describe('certainty', () => {
  const base = { mean: 0.15, deviation: 0.03 };

  it('follows the probability where the best label fits', () => {
    expect(certainty(0.27, 0.92, 10, base)).toBe('sure');
    expect(certainty(0.27, 0.5, 10, base)).toBe('likely');
    expect(certainty(0.27, 0.3, 10, base)).toBe('unsure');
  });

  it('says that nothing fits, however sure the softmax is', () => {
    expect(certainty(0.16, 0.99, 10, base)).toBe('nothing');
  });

  it('is not sure of a label that luck may have put first', () => {
    // Chances of luck: 0.08 and 0.39.
    expect(certainty(0.222, 0.9, 10, base)).toBe('sure');
    expect(certainty(0.2, 0.9, 10, base)).toBe('likely');
  });

  it('asks more of the best of many labels', () => {
    expect(certainty(0.22, 0.9, 2, base)).toBe('sure');
    expect(certainty(0.22, 0.9, 500, base)).toBe('nothing');
  });

  it('judges one label alone by where it stands, and not before that is known', () => {
    expect(certainty(0.27, null, 1, base)).toBe('sure');
    expect(certainty(0.13, null, 1, base)).toBe('nothing');
    expect(certainty(0.27, null, 1, null)).toBe('unsure');
  });
});

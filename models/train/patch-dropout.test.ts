import { describe, expect, it } from 'vitest';
import { keptPatches } from './patch-dropout.ts';

describe('keptPatches', () => {
  const shape = { batchSize: 3, patches: 2, all: 5 };
  const tokensOf = (rows: Float32Array) =>
    Array.from({ length: 9 }, (_, row) => Array.from(rows.subarray(row * 6, row * 6 + 6)).indexOf(1));

  it('keeps the class token and as many patches as asked for, each once, in order', () => {
    const rows = keptPatches(shape, 1, 7);
    expect(rows.reduce((sum, x) => sum + x, 0)).toBe(9);
    for (const start of [0, 3, 6]) {
      const [first, second, third] = tokensOf(rows).slice(start, start + 3);
      expect(first).toBe(0);
      expect(second).toBeGreaterThan(0);
      expect(third).toBeGreaterThan(second);
    }
  });

  it('is drawn anew for each step, and the same for the same step', () => {
    expect(keptPatches(shape, 1, 7)).toEqual(keptPatches(shape, 1, 7));
    const drawn = new Set(
      Array.from({ length: 20 }, (_, step) => tokensOf(keptPatches(shape, 1, step)).join()),
    );
    expect(drawn.size).toBeGreaterThan(15);
  });
});

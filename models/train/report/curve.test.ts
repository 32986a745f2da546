import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Curve } from './curve.ts';

function curveOf(values: readonly number[]): Curve {
  const curve = new Curve();
  for (const [i, value] of values.entries()) curve.add(i + 1, value);
  return curve;
}

describe('a curve', () => {
  it('has every step of a short run', () => {
    const values = [3, 1, 2];
    expect(curveOf(values).raw).toEqual(values.map((value, i) => ({ step: i + 1, value })));
    expect(curveOf(values).smoothed.map(({ value }) => value)).toEqual(values);
  });

  it('has at most 600 points, in order, and keeps the extremes and the ends', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 5000 }),
        (values) => {
          const { raw, smoothed } = curveOf(values);
          expect(raw.length).toBeLessThanOrEqual(600);
          expect(smoothed.length).toBeLessThanOrEqual(300);
          for (const points of [raw, smoothed]) {
            for (let i = 1; i < points.length; i++)
              expect(points[i].step).toBeGreaterThan(points[i - 1].step);
          }
          const kept = raw.map(({ value }) => value);
          // Equal, not the same: 0 and -0 are equals, and either may be kept.
          expect(Math.max(...kept) === Math.max(...values)).toBe(true);
          expect(Math.min(...kept) === Math.min(...values)).toBe(true);
          for (const { step, value } of raw) expect(values[step - 1]).toBe(value);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('shows a single spike among a hundred thousand steps', () => {
    const values = Array.from({ length: 100_000 }, (_, i) => (i === 54_321 ? 9 : 1));
    const { raw, smoothed } = curveOf(values);
    expect(raw).toContainEqual({ step: 54_322, value: 9 });
    expect(smoothed.length).toBeGreaterThan(150);
    expect(Math.max(...smoothed.map(({ value }) => value))).toBeLessThan(1.01);
  });

  it('smooths noise and keeps the trend', () => {
    const values = Array.from({ length: 3000 }, (_, i) => i / 3000 + (i % 2 ? 0.5 : -0.5));
    for (const { step, value } of curveOf(values).smoothed) {
      expect(Math.abs(value - step / 3000)).toBeLessThan(0.05);
    }
  });

  it('passes over what is no number, and may begin at any step', () => {
    const curve = new Curve();
    curve.add(5000, 1);
    curve.add(5001, Number.NaN);
    curve.add(5002, 2);
    expect(curve.raw.map(({ value }) => value)).toEqual([1, 2]);
  });
});

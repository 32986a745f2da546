import { describe, expect, it } from 'vitest';
import { learningRate } from './schedule.ts';

describe('learningRate', () => {
  const schedule = { peak: 2, warmupSteps: 4, totalSteps: 12 };
  it('rises in equal steps to the peak, then falls along half a cosine', () => {
    const rates = Array.from({ length: 12 }, (_, step) => learningRate(step, schedule));
    expect(rates.slice(0, 5)).toEqual([0.5, 1, 1.5, 2, 2]);
    expect(rates[8]).toBeCloseTo(1);
    expect(rates[11]).toBeCloseTo(1 + Math.cos((7 * Math.PI) / 8));
  });
  it('starts at the peak without warm-up', () => {
    expect(learningRate(0, { ...schedule, warmupSteps: 0 })).toBe(2);
  });
});

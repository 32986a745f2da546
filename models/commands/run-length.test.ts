import { describe, expect, it } from 'vitest';
import { defaultBatchSize, runLength } from './run-length.ts';

it.each([
  [100_000, 128],
  [1_024, 128],
  [405, 50],
  [60, 16],
  [5, 5],
  [1, 2],
])('of %i rows takes batches of %i', (rows, size) => {
  expect(defaultBatchSize(rows)).toBe(size);
});

describe('where nothing is said', () => {
  const asked = { epochs: undefined, saveFrequency: undefined, evaluateFrequency: undefined };

  it('gives a large set four epochs and looks at it by the epoch', () => {
    expect(runLength(1000, asked)).toEqual({
      epochs: 4,
      totalSteps: 4000,
      saveEvery: 100,
      evaluateEvery: 500,
    });
  });

  it('gives a small set enough steps and looks at it seldom', () => {
    expect(runLength(8, asked)).toEqual({ epochs: 13, totalSteps: 104, saveEvery: 40, evaluateEvery: 40 });
  });
});

it('does what is said', () => {
  const asked = { epochs: 0.1, saveFrequency: 0.01, evaluateFrequency: 2 };
  expect(runLength(8, asked)).toEqual({ epochs: 0.1, totalSteps: 1, saveEvery: 1, evaluateEvery: 16 });
});

import { describe, expect, it } from 'vitest';
import { formatBytes, formatCosine, formatCount, formatMilliseconds, formatProbability } from './format.ts';

describe('formatProbability', () => {
  it.each([
    [1, '>99 %'],
    [0.9999, '>99 %'],
    [0.995, '>99 %'],
    [0.994, '99 %'],
    [0.5, '50 %'],
    [0.005, '1 %'],
    [0.0001, '<1 %'],
    [0, '<1 %'],
  ])('%f: %s', (value, text) => expect(formatProbability(value)).toBe(text));
});

describe('other numbers', () => {
  it('reads well', () => {
    expect(formatCosine(-0.1234)).toBe('−0.123');
    expect(formatCount(1, 'label', 'labels')).toBe('1 label');
    expect(formatCount(1234, 'label', 'labels')).toBe('1,234 labels');
    expect(formatBytes(12_345_678)).toBe('12.3 MB');
    expect(formatBytes(999)).toBe('1 kB');
    expect(formatMilliseconds(8.42)).toBe('8.4 ms');
    expect(formatMilliseconds(84.2)).toBe('84 ms');
    expect(formatMilliseconds(12_345)).toBe('12.3 s');
  });
});

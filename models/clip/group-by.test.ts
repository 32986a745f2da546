import { expect, it } from 'vitest';
import { groupBy } from './group-by.ts';

it('keeps the order of keys and of the values under each, and a value under all its keys', () => {
  const groups = groupBy([3, 4, 6, 5], (n) => [2, 3].filter((divisor) => n % divisor === 0));
  expect([...groups]).toEqual([
    [3, [3, 6]],
    [2, [4, 6]],
  ]);
});

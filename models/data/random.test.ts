import { expect, test } from 'vitest';
import { hash, permutation, pick, randomStream } from './random.ts';

test('a stream repeats for the same parts and differs for any other', () => {
  const first = (...parts: (string | number)[]) => {
    const random = randomStream(...parts);
    return Array.from({ length: 4 }, random);
  };
  expect(first('crop', 1, 2, 3)).toEqual(first('crop', 1, 2, 3));
  const others = [
    first('crop', 1, 3, 2),
    first('crop', 2, 2, 3),
    first('caption', 1, 2, 3),
    first('crop', 1, 2),
  ];
  for (const other of others) expect(other).not.toEqual(first('crop', 1, 2, 3));
});

test('first numbers of neighbouring streams are spread evenly over [0, 1)', () => {
  const bins = new Array<number>(16).fill(0);
  for (let row = 0; row < 16_000; row++) {
    bins[Math.floor(16 * randomStream('crop', 1, 0, row)())]++;
  }
  expect(bins).toHaveLength(16);
  // Chi-squared with 15 degrees of freedom: over 44 once in 10,000 seeds.
  expect(bins.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)).toBeLessThan(44);
});

test('hashes of 100,000 rows hardly ever meet', () => {
  const hashes = new Set(Array.from({ length: 100_000 }, (_, row) => hash('crop', 1, 0, row)));
  // Pairs among 100,000 random 32-bit numbers: 1.2 expected.
  expect(hashes.size).toBeGreaterThan(99_990);
});

test('a permutation holds every number once, and every order is as likely as the other', () => {
  expect([...permutation(1000, randomStream(1))].sort((a, b) => a - b)).toEqual([...Array(1000).keys()]);
  const orders = new Map<string, number>();
  for (let seed = 0; seed < 6000; seed++) {
    const order = permutation(3, randomStream('order', seed)).join();
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  expect(orders.size).toBe(6);
  // 1000 each, standard deviation 29.
  for (const count of orders.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
});

test('pick reaches every item', () => {
  const random = randomStream('pick');
  expect(new Set(Array.from({ length: 100 }, () => pick(['a', 'b', 'c'], random))).size).toBe(3);
});

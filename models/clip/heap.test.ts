import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from './heap.ts';

test('items come out in order, also between pushes', () => {
  const pushes = fc.array(fc.tuple(fc.integer(), fc.boolean()));
  fc.assert(
    fc.property(pushes, (steps) => {
      const heap = new Heap<number>((a, b) => a < b);
      const expected: number[] = [];
      for (const [item, thenPop] of steps) {
        heap.push(item);
        expected.push(item);
        expected.sort((a, b) => a - b);
        if (thenPop) expect(heap.pop()).toBe(expected.shift());
      }
      for (const item of expected) expect(heap.pop()).toBe(item);
      expect(heap.pop()).toBeUndefined();
    }),
  );
});

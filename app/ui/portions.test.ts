import { expect, it } from 'vitest';
import { portionsOf } from './portions.ts';

it('leaves nothing out and takes nothing twice, and a full portion stays what it is', () => {
  for (const count of [0, 1, 49, 50, 51, 100, 1234]) {
    const portions = portionsOf(count);
    const items = portions.flatMap(({ first, end }) =>
      Array.from({ length: end - first }, (_, i) => first + i),
    );
    expect(items).toEqual(Array.from({ length: count }, (_, i) => i));
  }
  expect(portionsOf(120).slice(0, 2)).toEqual(portionsOf(100));
});

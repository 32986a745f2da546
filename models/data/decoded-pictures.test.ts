import { expect, test } from 'vitest';
import { keepDecoded } from './decoded-pictures.ts';

const picture = (value: number) =>
  ({ data: new Uint8Array(12).fill(value), width: 2, height: 2, channels: 3 }) as const;

test('keeps pictures by their row’s name, and no more of them than fit', () => {
  const pictures = keepDecoded(30);
  const first = picture(1);
  pictures.keep('a', first);
  pictures.keep('a', picture(9));
  pictures.keep('b', picture(2));
  pictures.keep('c', picture(3));
  expect(pictures.get('a')).toBe(first);
  expect(pictures.get('b')?.data[0]).toBe(2);
  expect(pictures.get('c')).toBeUndefined();
});

// What turning does to pixels is seen in a browser: e2e/decode.spec.ts.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { webpOrientation } from './webp-orientation.ts';

const picture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../models/files/fixtures/pictures/${name}`, import.meta.url)));

test('the orientation that a WebP states', () => {
  for (let value = 1; value <= 8; value++) {
    expect(webpOrientation(picture(`orientation-${value}.webp`))).toBe(value);
  }
  expect(webpOrientation(picture('alpha.webp'))).toBe(1);
});

test('an EXIF chunk that is damaged, cut off or begins as in a JPEG', () => {
  const webp = picture('orientation-6.webp');
  const at = webp.findIndex((_, i) => String.fromCharCode(...webp.subarray(i, i + 4)) === 'EXIF') + 8;
  const prefixed = Uint8Array.from([
    ...webp.subarray(0, at),
    ...new TextEncoder().encode('Exif\0\0'),
    ...webp.subarray(at),
  ]);
  new DataView(prefixed.buffer).setUint32(at - 4, webp.length - at + 6, true);
  expect(webpOrientation(prefixed)).toBe(6);

  for (let end = at; end < webp.length; end++) expect([1, 6]).toContain(webpOrientation(webp.slice(0, end)));
  const astray = webp.slice();
  astray.fill(0xff, at + 4, at + 8);
  expect(webpOrientation(astray)).toBe(1);
  const nine = webp.slice();
  nine[at + 19] = 9;
  expect(webpOrientation(nine)).toBe(1);
});

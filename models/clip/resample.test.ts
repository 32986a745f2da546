// Against Pillow: fixtures/resample.json holds hashes of what Pillow 9.4 made of the pictures below, written by
// `/usr/bin/python3 models/clip/fixtures/make-resample.py`.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import wabt from 'wabt';
import fixture from './fixtures/resample.json' with { type: 'json' };
import { noise, SYNTHETIC } from './fixtures/synthetic.ts';
import { resample, type Window } from './resample.ts';
import { WASM } from './resample-wasm.ts';
import type { PixelSource, RgbImage } from './types.ts';

const sha256 = (data: Uint8Array | Uint8ClampedArray) => createHash('sha256').update(data).digest('hex');

/** The same picture as a canvas holds it, with rubbish in the fourth byte. */
function withFourChannels({ width, height, data }: RgbImage): RgbImage {
  const four = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    four.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
    four[4 * i + 3] = i;
  }
  return { width, height, channels: 4, data: four };
}

function crop({ width, channels, data }: RgbImage, window: Window): RgbImage {
  const rows = Array.from({ length: window.height }, (_, y) => {
    const from = ((window.top + y) * width + window.left) * channels;
    return [...data.subarray(from, from + window.width * channels)];
  });
  return { width: window.width, height: window.height, channels, data: Uint8Array.from(rows.flat()) };
}

describe('equals Pillow in every byte', () => {
  test.each(fixture.cases)('$picture $width × $height to $toWidth × $toHeight, $filter', (expected) => {
    const image = SYNTHETIC[expected.picture as keyof typeof SYNTHETIC](
      expected.width,
      expected.height,
      expected.seed,
    );
    const filter = expected.filter as 'bicubic' | 'bilinear';
    const resized = resample(image, expected.toWidth, expected.toHeight, filter);
    expect(resized).toMatchObject({ width: expected.toWidth, height: expected.toHeight, channels: 3 });
    expect(sha256(resized.data)).toBe(expected.sha256);
  });

  describe.skipIf(!existsSync('../shared/photos'))('photographs of ../shared/photos', () => {
    test.each(fixture.photographs)('$file', async ({ file, decoded, small, large }) => {
      const { data, info } = await sharp(readFileSync(`../shared/photos/${file}`), { ignoreIcc: true })
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect(sha256(data), "the JPEG decoder differs from Pillow's").toBe(decoded);
      const image = { width: info.width, height: info.height, channels: 3, data } as const;
      for (const { width, height, sha256: expected } of [small, large]) {
        expect(sha256(resample(image, width, height, 'bicubic').data)).toBe(expected);
      }
    });
  });
});

const shape = fc.record({
  width: fc.integer({ min: 1, max: 90 }),
  height: fc.integer({ min: 1, max: 200 }),
  toWidth: fc.integer({ min: 1, max: 90 }),
  toHeight: fc.integer({ min: 1, max: 90 }),
  filter: fc.constantFrom('bicubic' as const, 'bilinear' as const),
  corners: fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()),
});

test('a window is what cropping the whole would give, from bytes, words and a source of bands alike', () => {
  fc.assert(
    fc.property(shape, ({ width, height, toWidth, toHeight, filter, corners }) => {
      const image = noise(width, height, width);
      const left = corners[0] % toWidth;
      const top = corners[1] % toHeight;
      const window = {
        left,
        top,
        width: 1 + (corners[2] % (toWidth - left)),
        height: 1 + (corners[3] % (toHeight - top)),
      };
      const source: PixelSource = {
        width,
        height,
        read: (left, top, width, height) => crop(withFourChannels(image), { left, top, width, height }),
      };
      const expected = crop(resample(image, toWidth, toHeight, filter), window);
      for (const from of [image, withFourChannels(image), source]) {
        const actual = resample(from, toWidth, toHeight, filter, window);
        expect(sha256(actual.data)).toBe(sha256(expected.data));
      }
    }),
    { numRuns: 200 },
  );
});

test('resample-wasm.ts is what resample.wat assembles to (npm run -s generate:resample)', async () => {
  const text = readFileSync(new URL('resample.wat', import.meta.url), 'utf8');
  const { buffer } = (await wabt()).parseWat('resample.wat', text, { simd: true }).toBinary({});
  expect(WASM).toBe(Buffer.from(buffer).toString('base64'));
});

import sharp, { type Sharp } from 'sharp';
import { expect, it } from 'vitest';
import type { RgbImage } from '../clip/types.ts';
import { decodeImage } from '../files/decode-image.ts';
import { findNear, fingerprint, nearlyEqual } from './near-duplicates.ts';
import { randomStream } from './random.ts';

/** A picture of soft coloured blobs, as different from another seed's as photographs are. */
async function picture(seed: number, width = 320, height = 240): Promise<RgbImage> {
  const random = randomStream('picture', seed);
  const small = Uint8Array.from({ length: 12 * 9 * 3 }, () => 255 * random());
  const { data } = await sharp(small, { raw: { width: 12, height: 9, channels: 3 } })
    .resize(width, height, { kernel: 'cubic', fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width, height, channels: 3 };
}

/** Through a file, as `change` makes it. */
async function changed(of: RgbImage, change: (image: Sharp) => Sharp): Promise<RgbImage> {
  const bytes = await change(sharp(of.data, { raw: of })).toBuffer();
  return decodeImage(bytes, 'changed');
}

it.each([
  ['compressed anew', (image: Sharp) => image.jpeg({ quality: 60 })],
  ['shrunk to a fifth', (image: Sharp) => image.resize(64).webp({ quality: 60 })],
  ['cut to its square', (image: Sharp) => image.resize(96, 96, { fit: 'cover' }).webp()],
  ['squashed to a square', (image: Sharp) => image.resize(224, 224, { fit: 'fill' }).jpeg()],
])('knows a picture again that was %s', async (_, change) => {
  for (let seed = 0; seed < 20; seed++) {
    const original = await picture(seed);
    expect(nearlyEqual(fingerprint(original), fingerprint(await changed(original, change)))).toBe(true);
  }
});

it('tells different pictures apart', async () => {
  const prints = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => fingerprint(await picture(i))),
  );
  for (const [i, print] of prints.entries()) expect(findNear(prints, print)).toBe(i);
  expect(findNear(prints, fingerprint(await picture(200)))).toBe(-1);
});

it('tells pictures of the same shapes in other colours apart', async () => {
  const original = await picture(3);
  const other = { ...original, data: original.data.map((value, i) => (i % 3 === 0 ? value / 3 : value)) };
  expect(nearlyEqual(fingerprint(original), fingerprint(other))).toBe(false);
});

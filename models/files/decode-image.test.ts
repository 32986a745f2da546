// Against Pillow: fixtures/pictures.json, written with the pictures themselves by
// `/usr/bin/python3 models/files/fixtures/make-pictures.py`.

import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeImage } from './decode-image.ts';
import pictures from './fixtures/pictures.json' with { type: 'json' };

const file = (name: string) =>
  new Uint8Array(readFileSync(new URL(`fixtures/pictures/${name}`, import.meta.url)));

describe('decodeImage', () => {
  test.each(Object.entries(pictures).filter(([name]) => name !== 'rgb.bmp'))('%s', async (name, expected) => {
    const { width, height, channels, data } = await decodeImage(file(name), name);
    expect({ width, height, channels }).toEqual({
      width: expected.width,
      height: expected.height,
      channels: 3,
    });
    const rgb = Buffer.from(expected.rgb, 'base64');
    expect(data.length).toBe(rgb.length);
    const largest = rgb.reduce((most, value, i) => Math.max(most, Math.abs(value - data[i])), 0);
    expect(largest).toBeLessThanOrEqual(expected.tolerance);
  });

  test('AVIF', async () => {
    const avif = sharp({ create: { width: 32, height: 16, channels: 3, background: '#4080c0' } }).avif({
      quality: 90,
    });
    const { width, height, data } = await decodeImage(new Uint8Array(await avif.toBuffer()), 'a.avif');
    expect([width, height]).toEqual([32, 16]);
    [0x40, 0x80, 0xc0].forEach((value, c) => {
      expect(Math.abs(data[c] - value)).toBeLessThanOrEqual(3);
    });
  });

  test('a large picture comes smaller where its short side is named, a small one as it is', async () => {
    const flat = sharp({ create: { width: 600, height: 400, channels: 3, background: '#c8283c' } });
    const cmyk = await flat.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    for (const bytes of [await flat.clone().jpeg().toBuffer(), await flat.clone().png().toBuffer(), cmyk]) {
      const whole = await decodeImage(bytes, 'large');
      const smaller = await decodeImage(bytes, 'large', { shortSide: 100 });
      expect([smaller.width, smaller.height, smaller.data.length]).toEqual([150, 100, 3 * 150 * 100]);
      for (let i = 0; i < 3; i++) expect(Math.abs(smaller.data[i] - whole.data[i])).toBeLessThanOrEqual(1);
      expect((await decodeImage(bytes, 'large', { shortSide: 500 })).width).toBe(600);
    }
  });

  test('a small WebP has the pixels that libvips reads, and comes smaller where it is asked to', async () => {
    const noise = {
      width: 95,
      height: 63,
      channels: 3,
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    } as const;
    const webp = new Uint8Array(
      await sharp({ create: { ...noise, background: 'black' } })
        .webp()
        .toBuffer(),
    );
    const { width, height, channels, data } = await decodeImage(webp, 'a.webp', { shortSide: 63 });
    expect({ width, height, channels }).toEqual({ width: 95, height: 63, channels: 3 });
    expect(Buffer.from(data).equals(await sharp(webp).raw().toBuffer())).toBe(true);
    expect((await decodeImage(webp, 'a.webp', { shortSide: 21 })).width).toBe(32);
    const damaged = 'its header promises a WebP of 95 × 63 pixels, but what follows is damaged or cut off';
    for (const bytes of [webp.subarray(0, -200), webp.slice().fill(0, 23, 26)])
      await expect(decodeImage(bytes, 'a.webp')).rejects.toThrow(`a.webp cannot be decoded: ${damaged}`);
    // What more lies behind it is libvips' to judge.
    const longer = new Uint8Array(webp.length + 1000);
    longer.set(webp);
    expect(Buffer.from((await decodeImage(longer, 'a.webp')).data).equals(Buffer.from(data))).toBe(true);
  });

  test('a damaged or cut picture is refused with its name', async () => {
    const jpeg = file('orientation-1.jpg');
    await expect(decodeImage(jpeg.subarray(0, jpeg.length - 60), 'cut.jpg')).rejects.toThrow(
      /^cut\.jpg cannot be decoded: its header promises a JPEG of 12 × 8 pixels, but what follows is damaged or cut off \(.+\)\.$/,
    );
    const png = file('alpha.png').fill(0, 60, 120);
    await expect(decodeImage(png, 'a.png')).rejects.toThrow(
      'a.png cannot be decoded: its header promises a PNG',
    );
  });

  test('kinds that sharp does not decode are named', async () => {
    await expect(decodeImage(file('rgb.bmp'), 'a.bmp')).rejects.toThrow(
      'a.bmp is a BMP picture, which cannot be decoded here. Save it as JPEG or PNG and try again.',
    );
  });

  test('over 100 megapixels is refused before decoding', async () => {
    const bytes = file('alpha.png');
    new DataView(bytes.buffer).setUint32(16, 50_000);
    new DataView(bytes.buffer).setUint32(20, 2_001);
    await expect(decodeImage(bytes, 'wall.png')).rejects.toThrow(
      'wall.png is too large: 50000 × 2001 pixels',
    );
  });
});

import { expect, test } from 'vitest';
import { cropTo } from './crop-resample.ts';
import { cropCoarsely, SMALL } from './low-resolution.ts';
import { randomStream } from './random.ts';

const SIZE = 48;
const random = randomStream('low resolution test');
const noise = (width: number, height: number) => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, () => Math.floor(256 * random())),
});
const whole = (width: number, height: number) => ({ left: 0, top: 0, width, height, flip: false });

test('a crop becomes a picture of 32 pixels in whole levels, enlarged', () => {
  const picture = noise(70, 60);
  const crop = { left: 3.5, top: 2, width: 60, height: 50.5, flip: false };
  const reduced = new Float32Array(3 * SMALL * SMALL);
  cropTo(picture, crop, SMALL, reduced);
  const data = new Uint8Array(3 * SMALL * SMALL);
  for (let i = 0; i < SMALL * SMALL; i++)
    for (const channel of [0, 1, 2]) data[3 * i + channel] = Math.round(reduced[channel * SMALL * SMALL + i]);
  const expected = new Float32Array(3 * SIZE * SIZE);
  cropTo({ width: SMALL, height: SMALL, data }, whole(SMALL, SMALL), SIZE, expected);

  const planes = new Float32Array(3 * SIZE * SIZE);
  cropCoarsely(picture, crop, SIZE, planes);
  expect(planes).toEqual(expected);
});

test('it is mirrored once, not twice', () => {
  const picture = noise(100, 80);
  const plain = new Float32Array(3 * SIZE * SIZE);
  const mirrored = new Float32Array(3 * SIZE * SIZE);
  cropCoarsely(picture, whole(100, 80), SIZE, plain);
  cropCoarsely(picture, { ...whole(100, 80), flip: true }, SIZE, mirrored);
  for (let line = 0; line < 3 * SIZE; line++)
    for (let x = 0; x < SIZE; x++)
      expect(mirrored[line * SIZE + x]).toBeCloseTo(plain[line * SIZE + SIZE - 1 - x], 2);
});

test('what is no larger anyway is left alone', () => {
  for (const [picture, size] of [
    [noise(SMALL, SMALL), SIZE],
    [noise(100, SMALL - 2), SIZE],
    [noise(100, 100), SMALL],
  ] as const) {
    const crop = whole(picture.width, picture.height);
    const plain = new Float32Array(3 * size * size);
    const coarse = new Float32Array(3 * size * size);
    cropTo(picture, crop, size, plain);
    cropCoarsely(picture, crop, size, coarse);
    expect(coarse).toEqual(plain);
  }
});

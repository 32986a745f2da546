// Expected values: Pillow's, made by fixtures/make-crop.py (its head has the command).
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { cropTo } from './crop-resample.ts';

interface Fixture {
  width: number;
  height: number;
  rgb: number[];
  cases: { size: number; left: number; top: number; width: number; height: number; planes: number[] }[];
}

const fixture: Fixture = JSON.parse(await readFile(new URL('./fixtures/crop.json', import.meta.url), 'utf8'));
const picture = { width: fixture.width, height: fixture.height, data: Uint8Array.from(fixture.rgb) };

test.each(fixture.cases)(
  'a crop of $width x $height at $left, $top is scaled to $size as Pillow does',
  ({ size, planes, ...box }) => {
    const scaled = new Float32Array(3 * size * size);
    cropTo(picture, { ...box, flip: false }, size, scaled);
    expect(planes.length).toBe(scaled.length);
    for (const [i, value] of planes.entries())
      expect(scaled[i]).toBeCloseTo(Math.min(255, Math.max(0, value)), 2);
  },
);

test('a mirrored crop is the crop with its columns reversed', () => {
  const size = 9;
  const box = { left: 2.5, top: 1, width: 15, height: 13.3 };
  const plain = new Float32Array(3 * size * size);
  const mirrored = new Float32Array(3 * size * size);
  cropTo(picture, { ...box, flip: false }, size, plain);
  cropTo(picture, { ...box, flip: true }, size, mirrored);
  for (let line = 0; line < 3 * size; line++)
    expect(mirrored.slice(line * size, (line + 1) * size).reverse()).toEqual(
      plain.slice(line * size, (line + 1) * size),
    );
});

test('a picture of one pixel fills the square', () => {
  const scaled = new Float32Array(3 * 4);
  cropTo(
    { width: 1, height: 1, data: Uint8Array.of(10, 20, 30) },
    { left: 0.1, top: 0.2, width: 0.8, height: 0.7, flip: false },
    2,
    scaled,
  );
  expect([...scaled]).toEqual([10, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 30]);
});

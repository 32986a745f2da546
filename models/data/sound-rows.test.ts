import sharp from 'sharp';
import { expect, test } from 'vitest';
import { soundRows } from './sound-rows.ts';
import type { PairSource } from './types.ts';

const picture = await sharp({ create: { width: 8, height: 6, channels: 3, background: '#804020' } })
  .jpeg()
  .toBuffer();

function sourceOf(images: readonly Uint8Array[]): PairSource {
  const text = (row: number) => ({ id: `row ${row}`, labels: ['x'], captions: [], source: 'made up' });
  return {
    name: 'made up',
    length: images.length,
    text,
    row: async (row) => ({ ...text(row), image: images[row] }),
  };
}

test('keeps the rows whose pictures can be decoded and names the others', async () => {
  const cut = picture.subarray(0, picture.length - 40);
  const told: string[] = [];
  const sound = await soundRows(sourceOf([picture, cut, picture, Uint8Array.of(1, 2)]), (message) =>
    told.push(message),
  );
  expect([0, 1].map((row) => sound.text(row).id)).toEqual(['row 0', 'row 2']);
  expect(sound.length).toBe(2);
  expect(told).toEqual([
    expect.stringMatching(/^Leaving out a picture: row 1 cannot be decoded: its header promises a JPEG/),
    expect.stringMatching(/^Leaving out a picture: row 3 /),
  ]);
});

test('a source without a sound picture is refused, and one that cannot be read is an error of its own', async () => {
  const silent = () => undefined;
  await expect(soundRows(sourceOf([Uint8Array.of(1)]), silent)).rejects.toThrow(
    'Decoding the pictures of made up: found none of 1 that can be decoded',
  );
  const gone = {
    ...sourceOf([picture]),
    row: () => Promise.reject(new Error('Reading the picture x: gone.')),
  };
  await expect(soundRows(gone, silent)).rejects.toThrow('Reading the picture x: gone.');
});

import { expect, test } from 'vitest';
import { openDecodePool } from './decode-pool.ts';

const settings = {
  imageSize: 8,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  seed: 1,
  cropScale: [0.5, 1],
  aspectRatio: [1, 1],
  colorJitterProb: 0,
  grayScaleProb: 0,
  lowResProb: 0,
  flipProb: 0,
} as const;

test('a list that fails is told of, and the next is decoded', async () => {
  const pool = openDecodePool(1, settings);
  const job = { epoch: 0, rows: [0], names: ['x'], images: [Uint8Array.of(1)] };
  const failing = pool.decode({ ...job, rows: new Array(2 ** 31) });
  const next = pool.decode(job);
  await expect(failing).rejects.toThrow('Invalid typed array length');
  expect((await next).damaged).toHaveLength(1);
  await pool.close();
});

test('what fails after decoding is no fault of the picture: the list fails', async () => {
  const pool = openDecodePool(1, settings);
  const kept = { width: -1, height: 8, channels: 3, data: new Uint8Array(24) } as const;
  await expect(
    pool.decode({ epoch: 0, rows: [0, 1], names: ['x', 'y'], images: [Uint8Array.of(1), kept] }),
  ).rejects.toThrow('Invalid typed array length');
  await pool.close();
});

test('encoded pictures stay usable for whoever asked', async () => {
  const pool = openDecodePool(1, settings);
  const page = Uint8Array.from({ length: 100 }, (_, i) => i);
  const image = page.subarray(10, 20);
  const { damaged, pixel_values } = await pool.decode({
    epoch: 0,
    rows: [7],
    names: ['row 7'],
    images: [image],
  });
  expect(damaged).toEqual([{ place: 0, reason: expect.stringMatching(/^row 7 is not a photograph/) }]);
  expect(pixel_values.every((value) => value === 0)).toBe(true);
  expect([...image]).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  await pool.close();
});

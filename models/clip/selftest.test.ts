// The picture's bytes were also made by NumPy: `/usr/bin/python3 models/clip/fixtures/selftest-image.py`.
import { describe, expect, test } from 'vitest';
import { sha256 } from './manifest.ts';
import { checkSelfTest, parseSelfTest, SELF_TEST_FLOOR, selfTestImage } from './selftest.ts';

const recipe = { recipe: 'gradient-noise', seed: 1, width: 64, height: 48 } as const;
const file = {
  image: recipe,
  prompt: 'a photo of a cat',
  vectors: { q8: { image_embeds: [0.6, 0.8], text_embeds: [1, 0] } },
};

describe('selfTestImage', () => {
  test('is the same picture on every machine', async () => {
    const image = selfTestImage(recipe);
    expect(image).toMatchObject({ width: 64, height: 48, channels: 3 });
    expect(image.data.length).toBe(3 * 64 * 48);
    // From fixtures/selftest-image.py. Other bytes would make every selftest.json there is wrong.
    expect(await sha256(Uint8Array.from(image.data))).toBe(
      '77ffe6dc48b9d4999ee37bcb5df0291546d8fea04f597f050375062a728c8148',
    );
    expect([...image.data.slice(0, 6)]).toEqual([11, 35, 255, 63, 0, 234]);
  });

  test('has gradients and noise, and another one for another seed', () => {
    const { data, width, height } = selfTestImage(recipe);
    const mean = (from: number, to: number) => {
      let sum = 0;
      for (let y = 0; y < height; y++) for (let x = from; x < to; x++) sum += data[3 * (y * width + x)];
      return sum / (height * (to - from));
    };
    expect(mean(48, 64) - mean(0, 16)).toBeGreaterThan(120); // red rises to the right
    let change = 0;
    for (let i = 3; i < data.length; i += 3) change += Math.abs(data[i] - data[i - 3]);
    expect(change / (data.length / 3)).toBeGreaterThan(20); // neighbours differ
    expect(selfTestImage({ ...recipe, seed: 2 }).data).not.toEqual(data);
    expect(selfTestImage({ ...recipe, width: 1, height: 1 }).data.length).toBe(3);
  });
});

describe('checkSelfTest', () => {
  const test1 = parseSelfTest(file, 'selftest.json');
  const against = (image: number[], text: number[]) =>
    checkSelfTest(test1, 'q8', Float32Array.from(image), Float32Array.from(text));

  test('gives the smaller cosine, whatever the length of the vectors', () => {
    expect(against([6, 8], [0.5, 0])).toBeCloseTo(1, 12);
    expect(against([0.6, 0.8], [0.8, 0.6])).toBeCloseTo(0.8, 6);
    expect(against([0.8, 0.6], [1, 0])).toBeCloseTo(0.96, 6);
    expect(against([0.6, 0.8], [1, 0.01])).toBeGreaterThan(SELF_TEST_FLOOR);
    expect(against([0.6, 0.8], [1, 0.1])).toBeLessThan(SELF_TEST_FLOOR);
  });

  test('vectors without a direction, or of another length, never pass', () => {
    expect(against([0, 0], [1, 0])).toBe(-1);
    expect(against([0.6, 0.8], [Number.NaN, 0])).toBe(-1);
    expect(against([0.6, 0.8, 0], [1, 0])).toBe(-1);
  });

  test('is null for a precision that the file does not know', () => {
    expect(checkSelfTest(test1, 'fp32', new Float32Array(2), new Float32Array(2))).toBeNull();
  });
});

test.each([
  [{ ...file, image: { ...recipe, recipe: 'photo' } }, /image\.recipe/],
  [{ ...file, image: { ...recipe, width: 100_000 } }, /image\.width/],
  [{ ...file, vectors: { q9: file.vectors.q8 } }, /Expected the name of a precision/],
  [{ ...file, vectors: { q8: { image_embeds: [] } } }, /vectors\.q8\.image_embeds/],
  [{ ...file, prompt: 3 }, /prompt/],
])('parseSelfTest refuses %#', (json, reason) => {
  expect(() => parseSelfTest(json, 'mini/selftest.json')).toThrow(/^mini\/selftest\.json was refused: /);
  expect(() => parseSelfTest(json, 'mini/selftest.json')).toThrow(reason);
});

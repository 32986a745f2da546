// Against Pillow, numpy and PyTorch: fixtures/preprocess.json, written by
// `/usr/bin/python3 models/clip/fixtures/make-preprocess.py`.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import fixture from './fixtures/preprocess.json' with { type: 'json' };
import { noise } from './fixtures/synthetic.ts';
import { imageSize, parsePreprocessorConfig, preprocess } from './preprocess.ts';

const CLIP = {
  resize: { shortestEdge: 224 },
  crop: { width: 224, height: 224 },
  resample: 'bicubic',
  rescaleFactor: 1 / 255,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

describe('preprocess', () => {
  test.each(fixture)("equals Hugging Face's pixel_values, $width × $height with $config", (expected) => {
    const preprocessing = parsePreprocessorConfig(expected.config);
    const values = preprocess(noise(expected.width, expected.height, expected.seed), preprocessing);
    const { width, height } = imageSize(preprocessing);
    expect([3, height, width]).toEqual(expected.dims);
    if (expected.torch) {
      const bytes = Uint8Array.from(Buffer.from(expected.torch, 'base64'));
      const torch = new Float32Array(bytes.buffer);
      expect(values.length).toBe(torch.length);
      for (let i = 0; i < torch.length; i++) {
        expect(Math.abs(values[i] - torch[i])).toBeLessThanOrEqual(1e-6);
      }
    }
    expect(createHash('sha256').update(bytesOf(values)).digest('hex')).toBe(expected.sha256);
  });

  test('writes one picture of a batch at its offset and nothing else', () => {
    const preprocessing = parsePreprocessorConfig({ size: 8, crop_size: 8 });
    const batch = new Float32Array(3 * 192).fill(7);
    expect(preprocess(noise(20, 10, 3), preprocessing, batch, 192)).toBe(batch);
    expect(batch.subarray(192, 384)).toEqual(preprocess(noise(20, 10, 3), preprocessing));
    expect(new Set([...batch.subarray(0, 192), ...batch.subarray(384)])).toEqual(new Set([7]));
  });

  test('a picture of one row, 10,000 wide, costs no more than its crop', () => {
    const values = preprocess(noise(10_000, 1, 4), parsePreprocessorConfig({}));
    expect(values.every(Number.isFinite)).toBe(true);
    // The crop lies within the ten middle pixels, enlarged 224 times: its rows are alike.
    expect(values.subarray(0, 224)).toEqual(values.subarray(223 * 224, 224 * 224));
  });
});

describe('parsePreprocessorConfig', () => {
  test("an empty file is CLIP's own, as are numbers for objects and null for nothing", () => {
    expect(parsePreprocessorConfig({})).toEqual(CLIP);
    expect(parsePreprocessorConfig({ size: 224, crop_size: { height: 224, width: 224 } })).toEqual(CLIP);
    expect(parsePreprocessorConfig({ size: null, crop_size: null, do_resize: null, resample: 3 })).toEqual(
      CLIP,
    );
  });

  test.skipIf(!existsSync('../shared/clip-tokenizer'))("OpenAI's own file", () => {
    const file = readFileSync('../shared/clip-tokenizer/preprocessor_config.json', 'utf8');
    expect(parsePreprocessorConfig(JSON.parse(file))).toEqual(CLIP);
  });

  test('switches', () => {
    expect(parsePreprocessorConfig({ do_resize: false, crop_size: 32, resample: 2 })).toMatchObject({
      resize: null,
      crop: { width: 32, height: 32 },
      resample: 'bilinear',
    });
    expect(parsePreprocessorConfig({ do_rescale: false, do_normalize: false })).toMatchObject({
      rescaleFactor: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
    const size = { height: 9, width: 14 };
    expect(parsePreprocessorConfig({ size, do_center_crop: false })).toMatchObject({
      resize: size,
      crop: size,
    });
  });

  test.each([
    [{ resample: 1 }, /folder\/p\.json was refused: resample: expected 2 .* or 3 .*found 1/],
    [{ resample: 'bicubic' }, /resample: .*found "bicubic"/],
    [{ size: [224] }, /size: expected a number, \{shortest_edge\} or \{height, width\}, each from 1 to 4096/],
    [{ size: 0 }, /size: .*>=1 .*0/],
    [{ size: { longest_edge: 224 } }, /size: expected/],
    [{ size: { height: 224 } }, /size: expected/],
    [{ size: 1e9 }, /size: .*<=4096 .*1000000000/],
    [{ crop_size: '224' }, /crop_size: expected a number/],
    [{ crop_size: 224.5 }, /crop_size: .*224\.5/],
    [{ do_center_crop: 'yes' }, /do_center_crop/],
    [{ do_center_crop: false }, /different sizes/],
    [{ do_center_crop: false, do_resize: false }, /different sizes/],
    [{ image_std: [1, 0, 1] }, /image_std\.1/],
    [{ image_mean: [0.5, 0.5] }, /image_mean/],
    [{ rescale_factor: 0 }, /rescale_factor/],
    [{ size: { shortest_edge: 224, height: 300, width: 200 } }, /size: expected a number, \{shortest_edge\}/],
    [{ do_pad: true }, /do_pad: expected false/],
    [{ image_std: [1e-50, 1, 1] }, /image_std\.0: expected a number above 0 in float32/],
    [{ image_mean: [1e39, 0, 0] }, /image_mean\.0: expected a number in float32/],
    [[], /folder\/p\.json was refused: expected an object, but found a list/],
    ['{}', /folder\/p\.json was refused/],
  ])('refuses %j with the file and the reason', (json, reason) => {
    expect(() => parsePreprocessorConfig(json, 'folder/p.json')).toThrow(reason);
  });
});

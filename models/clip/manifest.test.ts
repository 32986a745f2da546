import { expect, test } from 'vitest';
import { encoderPath } from './encoder-files.ts';
import { modelKeyOf, modelKeysOf } from './manifest.ts';
import type { Precision } from './types.ts';

const file = (path: string, hash = 'a') => ({ path, bytes: 1, sha256: hash.repeat(64) });
const encoders = (precision: Precision, hash = 'a') => [
  file(encoderPath('vision_model', precision), hash),
  file(`${encoderPath('vision_model', precision)}_data`, hash),
  file(encoderPath('text_model', precision), hash),
];
const folder = [file('config.json'), file('tokenizer.json'), ...encoders('q8')];

test('a model’s key stays as it is for what no vector of its precision depends on', async () => {
  const key = await modelKeyOf(folder, 'q8');
  expect(key).toMatch(/^[0-9a-f]{16}-\d+$/);
  for (const same of [
    folder.toReversed(),
    [...folder, ...encoders('fp16')],
    [...folder, file('selftest.json'), file('manifest.json'), file('README.md')],
  ])
    expect(await modelKeyOf(same, 'q8')).toBe(key);
});

test('… and is another one for other encoders, weights beside them, tokenizer, or precision', async () => {
  const withOther = (path: string) => folder.map((each) => (each.path === path ? file(path, 'b') : each));
  const keys = await Promise.all([
    modelKeyOf(folder, 'q8'),
    ...folder.map(({ path }) => modelKeyOf(withOther(path), 'q8')),
    // Weights under a name of their own are somebody's: nobody knows whose.
    modelKeyOf([...folder, file('onnx/weights.bin')], 'q8'),
    modelKeyOf([...folder, ...encoders('fp16')], 'fp16'),
  ]);
  expect(new Set(keys).size).toBe(folder.length + 3);
});

test('modelKeysOf has one for each precision of which both encoders are there', async () => {
  const files = [...folder, ...encoders('fp32'), file(encoderPath('text_model', 'q4'))];
  expect(await modelKeysOf(files)).toEqual(
    new Map([
      ['fp32', await modelKeyOf(files, 'fp32')],
      ['q8', await modelKeyOf(files, 'q8')],
    ]),
  );
});

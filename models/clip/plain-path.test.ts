import { expect, it } from 'vitest';
import { isPlainName, isPlainPath } from './plain-path.ts';

it.each(['config.json', 'onnx/vision_model.onnx_data_1', 'a/b-c/_d..e', '-', 'n'.repeat(255)])(
  '%j is plain',
  (path) => expect(isPlainPath(path)).toBe(true),
);

it.each([
  '',
  '.',
  '..',
  '.gitattributes',
  'a/.git/config',
  '../config.json',
  'onnx/../../config.json',
  '/etc/passwd',
  'onnx/',
  'onnx//a.onnx',
  'onnx\\a.onnx',
  'C:a.onnx',
  'https://elsewhere.example/a',
  'a b.onnx',
  'a?b',
  'a#b',
  'a%2e',
  'é.onnx',
  'a.onnx\n',
  'n'.repeat(256),
])('%j is not', (path) => expect(isPlainPath(path)).toBe(false));

it('a plain name is a plain path of one part', () => {
  expect(['tiny', 'tiny-2.1', 'models/tiny', '..', 'my model'].map(isPlainName)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

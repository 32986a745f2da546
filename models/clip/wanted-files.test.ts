import { expect, it } from 'vitest';
import { choosePrecision, wantedFiles } from './wanted-files.ts';

/** As Xenova/clip-vit-base-patch32 is laid out on the hub. */
const HUB = [
  '.gitattributes',
  'README.md',
  'config.json',
  'merges.txt',
  'onnx/model.onnx',
  'onnx/model_quantized.onnx',
  'onnx/text_model.onnx',
  'onnx/text_model_fp16.onnx',
  'onnx/text_model_quantized.onnx',
  'onnx/vision_model.onnx',
  'onnx/vision_model.onnx_data',
  'onnx/vision_model_quantized.onnx',
  'preprocessor_config.json',
  'quantize_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
];
const files = HUB.map((path) => ({ path }));

it('takes q8 where it is free to, and what is asked for where it is there', () => {
  expect(choosePrecision(files, 'auto', 'a/b')).toBe('q8');
  expect(choosePrecision(files, 'fp32', 'a/b')).toBe('fp32');
  expect(() => choosePrecision(files, 'fp16', 'a/b')).toThrow(
    'a/b has no encoders in fp16; it has fp32, q8.',
  );
  expect(() => choosePrecision([{ path: 'onnx/model.onnx' }], 'auto', 'a/b')).toThrow(
    'a/b holds no onnx/vision_model and onnx/text_model in the same precision',
  );
});

it('takes what describes the model and the encoders of a precision, and nothing else', () => {
  expect(wantedFiles(files, ['fp32']).map(({ path }) => path)).toEqual([
    'README.md',
    'config.json',
    'merges.txt',
    'preprocessor_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'onnx/vision_model.onnx',
    'onnx/vision_model.onnx_data',
    'onnx/text_model.onnx',
  ]);
});

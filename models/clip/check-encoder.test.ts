import { describe, expect, it } from 'vitest';
import { checkEncoder } from './check-encoder.ts';
import { external, field, model, tensor } from './fixtures/wire.ts';

describe('checkEncoder', () => {
  const weights = (location: string) =>
    model([
      field(11, field(1, 'pixel_values')),
      field(12, field(1, 'image_embeds')),
      field(5, tensor('w', [2], 1, external({ location, length: '8' }))),
    ]);
  const folder = {
    name: 'mini',
    files: [
      { path: 'onnx/vision_model.onnx_data', bytes: 8 },
      { path: 'w', bytes: 8 },
    ],
  };

  it('says what a graph needs beside it', () => {
    expect(checkEncoder(folder, 'vision_model', 'q8', weights('vision_model.onnx_data'))).toMatchObject({
      dataFiles: [{ path: 'onnx/vision_model.onnx_data', bytes: 8 }],
    });
  });

  it('refuses data from elsewhere', () => {
    for (const location of ['w', '../w', 'onnx/vision_model.onnx_data']) {
      expect(() => checkEncoder(folder, 'vision_model', 'q8', weights(location))).toThrow(
        /^mini\/onnx\/vision_model_quantized\.onnx was refused: the tensor "w" is to be read from ".*"/,
      );
    }
  });
});

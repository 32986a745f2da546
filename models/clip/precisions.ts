// The precisions that encoders come in, and what their files are called.

import type { Encoder, Precision } from './types.ts';

/** What a precision adds to a graph's name, as transformers.js has it. */
const SUFFIX = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
} as const satisfies Record<Precision, string>;

export const PRECISIONS = Object.keys(SUFFIX) as readonly Precision[];

/** `onnx/vision_model_quantized.onnx` for the vision model in q8. */
export function encoderPath(encoder: Encoder, precision: Precision): string {
  return `onnx/${encoder}${SUFFIX[precision]}.onnx`;
}

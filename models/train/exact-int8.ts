// Whether this processor multiplies 8-bit integers exactly. Without VNNI instructions ONNX Runtime's kernel for x64 adds two products in
// 16 bits, which are too few where both factors are large: a run would go on, with wrong numbers
// (onnxruntime_session_options_config_keys.h, session.x64quantprecision).

import * as ort from 'onnxruntime-node';
import { Graph } from '../onnx/graph.ts';
import { multiplyInInt8 } from '../onnx/int8-products.ts';
import { toModel } from '../onnx/model-proto.ts';
import { matMul } from '../onnx/operators.ts';
import { floats, sessionOptions } from './graph-session.ts';

const SIZE = 64;

/** Rejects with a sentence where the largest 8-bit numbers are not multiplied exactly. */
export async function refuseWrongInt8(multiply = productOfLargest): Promise<void> {
  const product = await multiply();
  if (product.every((value) => Math.abs(value / SIZE - 1) < 1e-3)) return;
  throw new Error(
    `This processor does not multiply in 8 bits as --precision int8 needs it: ${SIZE} times the largest number by the largest came to ${product[0]} of them. Leave --precision out.`,
  );
}

/** A row of ones by a matrix of ones: each is the largest level that there is. [SIZE] times SIZE. */
async function productOfLargest(): Promise<Float32Array> {
  const g = new Graph('training');
  const start = { kind: 'constant', value: 1 } as const;
  const x = g.input('x', 'float32', [1, SIZE]);
  g.output('product', matMul(g, x, g.parameter('w', [SIZE, SIZE], start)));
  multiplyInInt8(g, () => true);
  const session = await ort.InferenceSession.create(toModel(g), sessionOptions(1));
  const ones = (rows: number) => floats(new Float32Array(rows * SIZE).fill(1), [rows, SIZE]);
  const { product } = await session.run({ x: ones(1), w: ones(SIZE) });
  await session.release();
  return product.data as Float32Array;
}

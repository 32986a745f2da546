import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { Graph } from '../graph.ts';
import { toModelProto } from '../model-proto.ts';
import {
  TensorProto_DataType as DataType,
  ModelProtoSchema,
  ValueInfoProtoSchema,
} from '../proto/onnx_pb.ts';
import { toHalf } from './half.ts';
import { nodeProto } from './nodes.ts';
import { graphOf, withGraph } from './tensors.ts';

/** ONNX Runtime's own Cast, as bits. */
let castByRuntime: (values: Float32Array<ArrayBuffer>) => Promise<Uint16Array>;
beforeAll(async () => {
  const g = new Graph();
  g.output('y', g.input('x', 'float32', ['n']));
  const model = withGraph(toModelProto(g), [nodeProto('Cast', ['x'], ['y'], { to: DataType.FLOAT16 })], []);
  const type = { value: { case: 'tensorType', value: { elemType: DataType.FLOAT16 } } } as const;
  graphOf(model).output[0] = create(ValueInfoProtoSchema, { name: 'y', type });
  const session = await ort.InferenceSession.create(toBinary(ModelProtoSchema, model), {
    intraOpNumThreads: 1,
  });
  castByRuntime = async (values) => {
    const { data } = (await session.run({ x: new ort.Tensor('float32', values, [values.length]) })).y;
    if (!ArrayBuffer.isView(data)) throw new Error('expected numbers');
    return new Uint16Array(data.buffer, data.byteOffset, values.length);
  };
});

describe('toHalf rounds as ONNX Runtime does', () => {
  test('numbers of every size', async () => {
    const inRange = fc.float({ min: -65504, max: 65504, noNaN: true });
    await fc.assert(
      fc.asyncProperty(fc.array(inRange, { minLength: 1, maxLength: 500 }), async (numbers) => {
        const values = Float32Array.from(numbers);
        expect(toHalf(values)).toEqual(await castByRuntime(values));
      }),
    );
  });

  test('ties, the smallest numbers, and a mantissa that carries', async () => {
    const unit = 2 ** -24;
    const values = Float32Array.of(
      0,
      -0,
      1,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      2047.5,
      2048.5,
      2049,
      2051,
      65503.99,
      0.5 * unit,
      0.50001 * unit,
      1.5 * unit,
      2.5 * unit,
      1023.5 * unit,
      1024 * unit,
      -1025 * unit,
      1.9999,
      3.99999,
    );
    expect(toHalf(values)).toEqual(await castByRuntime(values));
  });
});

test('toHalf clips what is too large instead of making it infinite', () => {
  const values = Float32Array.of(
    65520,
    1e30,
    Number.POSITIVE_INFINITY,
    -65536,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  );
  expect([...toHalf(values)]).toEqual([0x7bff, 0x7bff, 0x7bff, 0xfbff, 0xfbff, 0x7e00]);
});

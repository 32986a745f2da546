import { toBinary } from '@bufbuild/protobuf';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { randomStream } from '../../data/random.ts';
import { Graph, type Value } from '../graph.ts';
import { toModelProto } from '../model-proto.ts';
import * as op from '../operators.ts';
import { type ModelProto, ModelProtoSchema } from '../proto/onnx_pb.ts';
import { sizeOf } from '../shapes.ts';
import { foldConstants } from './fold-constants.ts';
import { graphOf } from './tensors.ts';

const random = randomStream('fold-constants');
const numbers = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);

/** A model over x [batch, 6] whose weights are at hand, and its nodes' operators after folding. */
function build(network: (g: Graph, x: Value) => Value): {
  model: ModelProto;
  folded: ModelProto;
  ops: string[];
} {
  const g = new Graph();
  g.output('y', network(g, g.input('x', 'float32', ['batch', 6])));
  const weights = new Map([...g.parameters.values()].map((p) => [p.name, numbers(sizeOf(p.shape))]));
  const model = toModelProto(g, weights);
  const folded = foldConstants(model);
  return { model, folded, ops: graphOf(folded).node.map(({ opType }) => opType) };
}

async function run(model: ModelProto, x: Float32Array<ArrayBuffer>) {
  const bytes = toBinary(ModelProtoSchema, model);
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    graphOptimizationLevel: 'disabled',
  });
  return (await session.run({ x: new ort.Tensor('float32', x, [x.length / 6, 6]) })).y;
}

const parameter = (g: Graph, name: string, shape: readonly number[]) =>
  g.parameter(name, shape, { kind: 'constant', value: 0 });

describe('foldConstants', () => {
  test.each<[string, readonly string[], (g: Graph, x: Value) => Value]>([
    [
      'a patch embedding in PyTorch’s layout',
      ['MatMul', 'Identity'],
      (g, x) =>
        op.matMul(g, x, op.transpose(g, op.reshape(g, parameter(g, 'w', [4, 3, 2, 1]), [4, 6]), [1, 0])),
    ],
    [
      'a transpose of three axes, and a reshape that leaves a length open',
      ['Mul', 'Identity'],
      (g, x) => {
        const turned = op.transpose(g, parameter(g, 'w', [2, 1, 3]), [1, 2, 0]);
        const open = g.add('Reshape', [turned, g.integers([0, -1])], [{ type: 'float32', shape: [1, 6] }]);
        return op.mul(g, x, open.outputs[0]);
      },
    ],
    [
      'a class token before the positions',
      ['Mul', 'Identity'],
      (g, x) => {
        const first = op.pad(g, parameter(g, 'token', [1, 2]), [0, 0], [2, 0]);
        return op.mul(g, x, op.reshape(g, op.add(g, first, parameter(g, 'positions', [3, 2])), [1, 6]));
      },
    ],
    [
      'a Gemm with a transposed weight and a bias',
      ['MatMul', 'Add', 'Identity'],
      (g, x) =>
        g.add(
          'Gemm',
          [x, parameter(g, 'w', [4, 6]), parameter(g, 'b', [4])],
          [{ type: 'float32', shape: ['batch', 4] }],
          { transB: 1 },
        ).outputs[0],
    ],
    ['a Gemm as a plain product', ['MatMul', 'Identity'], (g, x) => op.gemm(g, x, parameter(g, 'w', [6, 4]))],
    [
      'a Gemm that scales is left alone',
      ['Gemm', 'Identity'],
      (g, x) =>
        g.add('Gemm', [x, parameter(g, 'w', [6, 4])], [{ type: 'float32', shape: ['batch', 4] }], {
          alpha: { float: 0.5 },
        }).outputs[0],
    ],
    ['what depends on an input stays', ['Transpose', 'Identity'], (g, x) => op.transpose(g, x, [1, 0])],
  ])('%s', async (_, expected, network) => {
    const { model, folded, ops } = build(network);
    expect(ops).toEqual(expected);
    const x = numbers(18);
    const [before, after] = [await run(model, x), await run(folded, x)];
    expect(after.dims).toEqual(before.dims);
    const difference = Array.from(after.data as Float32Array, (y, i) => Math.abs(y - Number(before.data[i])));
    expect(Math.max(...difference)).toBeLessThan(1e-6);
  });

  test('leaves no constant that nothing reads', () => {
    const { folded } = build((g, x) => op.mul(g, x, op.reshape(g, parameter(g, 'w', [2, 3]), [1, 6])));
    const { node, initializer } = graphOf(folded);
    const read = new Set(node.flatMap(({ input }) => input));
    expect(initializer.map(({ name }) => name).filter((name) => !read.has(name))).toEqual([]);
    expect(initializer).toHaveLength(1);
  });
});

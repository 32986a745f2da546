import { toBinary } from '@bufbuild/protobuf';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { cosine, normalize } from '../../clip/ranking.ts';
import { randomStream } from '../../data/random.ts';
import { Graph, type Value } from '../graph.ts';
import { toModelProto } from '../model-proto.ts';
import * as op from '../operators.ts';
import { type ModelProto, ModelProtoSchema } from '../proto/onnx_pb.ts';
import { sizeOf } from '../shapes.ts';
import { toQ4, toQ4F16 } from './q4.ts';
import { graphOf } from './tensors.ts';

/** Not a multiple of the 32 weights of a block. */
const WIDTH = 112;
const random = randomStream('q4');
const numbers = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);
const parameter = (g: Graph, name: string, shape: readonly number[]) =>
  g.parameter(name, shape, { kind: 'constant', value: 0 });

function build(network: (g: Graph, x: Value) => Value, change: (values: Float32Array) => void = () => {}) {
  const g = new Graph();
  g.output('y', network(g, g.input('x', 'float32', ['batch', WIDTH])));
  const weights = new Map(
    Array.from(g.parameters.values(), ({ name, shape }) => [name, numbers(sizeOf(shape))] as const),
  );
  for (const values of weights.values()) change(values);
  return toModelProto(g, weights);
}

async function run(model: ModelProto, feeds: Record<string, ort.Tensor>): Promise<Float32Array> {
  const bytes = toBinary(ModelProtoSchema, model);
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  const { data } = (await session.run(feeds)).y;
  if (!(data instanceof Float32Array)) throw new Error('expected float32');
  return data;
}

const rows = (count: number) => ({ x: new ort.Tensor('float32', numbers(count * WIDTH), [count, WIDTH]) });
const similarity = (a: Float32Array, b: Float32Array) => cosine(normalize(a), normalize(b));
const operators = (model: ModelProto) => graphOf(model).node.map(({ opType }) => opType);
const bytesOf = (model: ModelProto) => toBinary(ModelProtoSchema, model).length;
const linear = (g: Graph, x: Value) =>
  op.add(g, op.matMul(g, x, parameter(g, 'w', [WIDTH, 96])), parameter(g, 'b', [96]));

describe.each([
  ['q4', toQ4],
  ['q4f16', toQ4F16],
] as const)('a product with a constant in %s', (_, convert) => {
  test('has weights of 4 bits, near the product of floats, in a fifth of the bytes', async () => {
    const fp32 = build(linear);
    const q4 = convert(fp32);
    expect(operators(q4)).toContain('MatMulNBits');
    expect(operators(q4)).not.toContain('MatMul');
    expect(bytesOf(q4)).toBeLessThan(0.22 * bytesOf(fp32));
    const x = rows(5);
    expect(similarity(await run(fp32, x), await run(q4, x))).toBeGreaterThan(0.99);
  });

  test('gives weights back that lie on the levels', async () => {
    // -8 to 7, with a -8 in each block, whose scale is then 1.
    const onLevels = (values: Float32Array) => {
      for (let i = 0; i < values.length; i++)
        values[i] =
          (Math.floor(i / 96) % 32 === 0 ? -8 : (i * 7) % 16) - (Math.floor(i / 96) % 32 === 0 ? 0 : 8);
    };
    const fp32 = build((g, x) => op.matMul(g, x, parameter(g, 'w', [WIDTH, 96])), onLevels);
    const x = new ort.Tensor(
      'float32',
      Float32Array.from({ length: WIDTH }, (_, i) => (i % 3) - 1),
      [1, WIDTH],
    );
    const [wanted, found] = [await run(fp32, { x }), await run(convert(fp32), { x })];
    for (const [i, value] of wanted.entries()) expect(found[i]).toBeCloseTo(value, 2);
  });

  test('of zeros gives zeros, and a small one stays as it is', async () => {
    const zeros = build(linear, (values) => values.fill(0));
    expect([...(await run(convert(zeros), rows(1)))]).toEqual(new Array(96).fill(0));
    const small = build((g, x) => op.matMul(g, x, parameter(g, 'w', [WIDTH, 8])));
    expect(operators(convert(small))).toContain('MatMul');
  });
});

test('a token table is in 8 bits in q4, and in halves in q4f16', () => {
  const g = new Graph();
  const ids = g.input('ids', 'int64', ['batch', 'sequence']);
  g.output('y', op.gather(g, parameter(g, 'table', [200, WIDTH]), ids));
  const fp32 = toModelProto(g, new Map([['table', numbers(200 * WIDTH)]]));
  expect(bytesOf(toQ4(fp32)) / bytesOf(fp32)).toBeCloseTo(0.27, 1);
  expect(bytesOf(toQ4F16(fp32)) / bytesOf(fp32)).toBeCloseTo(0.5, 1);
});

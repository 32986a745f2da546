import { toBinary } from '@bufbuild/protobuf';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { cosine, normalize } from '../../clip/ranking.ts';
import { randomStream } from '../../data/random.ts';
import { Graph, type Value } from '../graph.ts';
import { toModelProto } from '../model-proto.ts';
import * as op from '../operators.ts';
import { TensorProto_DataType as DataType, type ModelProto, ModelProtoSchema } from '../proto/onnx_pb.ts';
import { sizeOf } from '../shapes.ts';
import { toQ8 } from './q8.ts';
import { graphOf } from './tensors.ts';

const WIDTH = 64;
const random = randomStream('q8');
const numbers = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);
const parameter = (g: Graph, name: string, shape: readonly number[]) =>
  g.parameter(name, shape, { kind: 'constant', value: 0 });

function build(
  network: (g: Graph, x: Value) => Value,
  change: (name: string, values: Float32Array) => void = () => {},
) {
  const g = new Graph();
  g.output('y', network(g, g.input('x', 'float32', ['batch', WIDTH])));
  const weights = new Map(
    [...g.parameters.values()].map(({ name, shape }) => {
      const values = numbers(sizeOf(shape));
      change(name, values);
      return [name, values];
    }),
  );
  const fp32 = toModelProto(g, weights);
  return { fp32, q8: toQ8(fp32) };
}

const similarity = (a: Float32Array, b: Float32Array) => cosine(normalize(a), normalize(b));

async function run(model: ModelProto, feeds: Record<string, ort.Tensor>): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(toBinary(ModelProtoSchema, model), {
    intraOpNumThreads: 1,
  });
  const { data } = (await session.run(feeds)).y;
  if (!(data instanceof Float32Array)) throw new Error('expected float32');
  return data;
}

const rows = (count: number) => ({ x: new ort.Tensor('float32', numbers(count * WIDTH), [count, WIDTH]) });
const operators = (model: ModelProto) => graphOf(model).node.map(({ opType }) => opType);
const count = (model: ModelProto, name: string) =>
  operators(model).filter((opType) => opType === name).length;
const bytesOf = (model: ModelProto) => toBinary(ModelProtoSchema, model).length;

describe('a product with a constant', () => {
  test('is a product of integers, near the product of floats, in a quarter of the bytes', async () => {
    const { fp32, q8 } = build((g, x) =>
      op.add(g, op.matMul(g, x, parameter(g, 'w', [WIDTH, 96])), parameter(g, 'b', [96])),
    );
    expect(operators(q8)).toEqual(['DynamicQuantizeLinear', 'MatMulIntegerToFloat', 'Identity']);
    expect(bytesOf(q8)).toBeLessThan(0.35 * bytesOf(fp32));
    const x = rows(5);
    expect(similarity(await run(fp32, x), await run(q8, x))).toBeGreaterThan(0.9998);
  });

  test('has a scale for each of its outputs: a small column beside a large one keeps its digits', async () => {
    const { fp32, q8 } = build(
      (g, x) => op.matMul(g, x, parameter(g, 'w', [WIDTH, 96])),
      (_, values) => {
        for (let i = 0; i < values.length; i++) values[i] *= i % 96 === 0 ? 1000 : 1e-3;
      },
    );
    const x = rows(5);
    const [expected, actual] = [await run(fp32, x), await run(q8, x)];
    const small = (values: Float32Array) => values.filter((_, i) => i % 96 !== 0);
    expect(similarity(small(expected), small(actual))).toBeGreaterThan(0.9998);
  });

  test('of zeros gives zeros', async () => {
    const { q8 } = build(
      (g, x) => op.matMul(g, x, parameter(g, 'w', [WIDTH, WIDTH])),
      (_, values) => values.fill(0),
    );
    expect([...(await run(q8, rows(1)))]).toEqual(new Array(WIDTH).fill(0));
  });

  test('quantises an activation once for all who read it, and a weight that is shared once', async () => {
    const { fp32, q8 } = build((g, x) => {
      const [a, b] = [parameter(g, 'a', [WIDTH, WIDTH]), parameter(g, 'b', [WIDTH, WIDTH])];
      return op.matMul(g, op.add(g, op.matMul(g, x, a), op.matMul(g, x, b)), a);
    });
    expect(count(q8, 'MatMulIntegerToFloat')).toBe(3);
    expect(count(q8, 'DynamicQuantizeLinear')).toBe(2);
    expect(graphOf(q8).initializer.filter(({ dataType }) => dataType === DataType.INT8)).toHaveLength(2);
    const x = rows(3);
    expect(similarity(await run(fp32, x), await run(q8, x))).toBeGreaterThan(0.999);
  });

  test('keeps a sum of its own where the product is read without it, or where it is no bias', async () => {
    const { fp32, q8 } = build((g, x) => {
      const product = op.matMul(g, x, parameter(g, 'w', [WIDTH, WIDTH]));
      const sum = op.add(g, product, parameter(g, 'b', [WIDTH]));
      const other = op.add(g, op.matMul(g, x, parameter(g, 'v', [WIDTH, WIDTH])), x);
      return op.add(g, op.mul(g, product, sum), other);
    });
    expect(count(q8, 'MatMulIntegerToFloat')).toBe(2);
    expect(count(q8, 'Add')).toBe(3);
    const x = rows(3);
    expect(similarity(await run(fp32, x), await run(q8, x))).toBeGreaterThan(0.999);
  });

  test('stays in float32 where it is small, and where no constant is in it', () => {
    const { q8 } = build((g, x) => {
      const small = op.matMul(g, x, parameter(g, 'w', [WIDTH, 8]));
      return op.matMul(g, op.transpose(g, small, [1, 0]), x);
    });
    expect(count(q8, 'MatMul')).toBe(2);
    expect(count(q8, 'MatMulIntegerToFloat')).toBe(0);
  });
});

test('a token table is stored in 8 bits with a scale for each row', async () => {
  const g = new Graph();
  g.output(
    'y',
    op.gather(g, parameter(g, 'table', [200, WIDTH]), g.input('ids', 'int64', ['batch', 'sequence'])),
  );
  const table = numbers(200 * WIDTH).map((value, i) => value * 2 ** (Math.floor(i / WIDTH) % 20));
  const fp32 = toModelProto(g, new Map([['table', table]]));
  const q8 = toQ8(fp32);
  expect(bytesOf(q8)).toBeLessThan(0.35 * bytesOf(fp32));
  const ids = { ids: new ort.Tensor('int64', [0n, 199n, 19n, 20n, 0n, 7n], [2, 3]) };
  const [expected, actual] = [await run(fp32, ids), await run(q8, ids)];
  for (let row = 0; row < 6; row++) {
    const vector = (values: Float32Array) => values.slice(row * WIDTH, (row + 1) * WIDTH);
    expect(similarity(vector(expected), vector(actual))).toBeGreaterThan(0.9999);
  }
});

test('a comparison becomes a number without a Cast', async () => {
  const { fp32, q8 } = build((g, x) => op.cast(g, op.equal(g, x, g.floats([0], [])), 'float32'));
  expect(operators(q8)).toEqual(['Equal', 'Where', 'Identity']);
  const x = { x: new ort.Tensor('float32', numbers(WIDTH).fill(0, 0, 5), [1, WIDTH]) };
  expect([...(await run(q8, x))]).toEqual([...(await run(fp32, x))]);
});

test('the model that was given is as it was', () => {
  const { fp32 } = build((g, x) => op.matMul(g, x, parameter(g, 'w', [WIDTH, WIDTH])));
  const before = toBinary(ModelProtoSchema, fp32);
  toQ8(fp32);
  expect(toBinary(ModelProtoSchema, fp32)).toEqual(before);
});

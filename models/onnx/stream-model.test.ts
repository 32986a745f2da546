import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomStream } from '../data/random.ts';
import { Graph } from './graph.ts';
import { toModelProto, type WeightSource } from './model-proto.ts';
import { add, matMul, reshape, transpose } from './operators.ts';
import { foldConstants } from './precision/fold-constants.ts';
import { toFp16 } from './precision/fp16.ts';
import { toQ4, toQ4F16 } from './precision/q4.ts';
import { toQ8 } from './precision/q8.ts';
import { type ModelProto, ModelProtoSchema } from './proto/onnx_pb.ts';
import { sizeOf } from './shapes.ts';
import { streamModel } from './stream-model.ts';

const [IN, OUT] = [96, 64];
const start = { kind: 'constant', value: 0 } as const;

function network() {
  const g = new Graph();
  const weight = g.parameter('weight', [OUT, IN / 2, 2], start);
  const matrix = transpose(g, reshape(g, weight, [OUT, IN]), [1, 0]);
  const x = g.input('x', 'float32', ['batch', IN]);
  g.output('y', add(g, matMul(g, x, matrix), g.parameter('bias', [OUT], start)));
  return g;
}

const random = randomStream('stream-model');
const values = new Map(
  Array.from(network().parameters.values(), ({ name, shape }) => {
    return [name, Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1)] as const;
  }),
);
const later = new Map<string, WeightSource>(Array.from(values, ([name, data]) => [name, async () => data]));

async function collected(bytes: AsyncGenerator<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stream-model-'));
});
afterAll(() => rm(folder, { recursive: true }));

const x = new ort.Tensor(
  'float32',
  Float32Array.from({ length: 3 * IN }, () => 2 * random() - 1),
  [3, IN],
);
async function run(model: string | Uint8Array) {
  const options = { intraOpNumThreads: 1 };
  const session =
    typeof model === 'string'
      ? await ort.InferenceSession.create(model, options)
      : await ort.InferenceSession.create(model, options);
  const { y } = await session.run({ x });
  await session.release();
  return y.data as Float32Array;
}

describe.each<[string, (model: ModelProto) => ModelProto]>([
  ['fp32', (model) => model],
  ['fp16', toFp16],
  ['q8', toQ8],
  ['q4', toQ4],
  ['q4f16', toQ4F16],
])('a model in %s', (_, convert) => {
  const build = (weights: ReadonlyMap<string, WeightSource>) =>
    convert(foldConstants(toModelProto(network(), weights)));

  it('is the same model when its constants are read one by one', async () => {
    const whole = build(values);
    const { graph, data } = streamModel(build(later), 'unused');
    expect(data).toBeNull();
    expect(fromBinary(ModelProtoSchema, await collected(graph))).toEqual(
      fromBinary(ModelProtoSchema, toBinary(ModelProtoSchema, whole)),
    );
    const again = await collected(streamModel(whole, 'unused').graph);
    expect(again).toHaveLength(toBinary(ModelProtoSchema, whole).length);
  });

  it('is made in one reading of each of its constants', async () => {
    const read: string[] = [];
    const noted = Array.from(later, ([name, data]): [string, WeightSource] => [
      name,
      async () => {
        read.push(name);
        return typeof data === 'function' ? data() : data;
      },
    ]);
    await collected(streamModel(build(new Map(noted)), 'unused').graph);
    expect(read.sort()).toEqual(['bias', 'weight']);
  });

  it('that is too large for one message has its constants in a file beside it', async () => {
    const expected = await run(toBinary(ModelProtoSchema, build(values)));
    const { graph, data } = streamModel(build(later), 'beside.onnx_data', 3000);
    if (!data) throw new Error('expected a file of constants');
    const path = join(folder, 'beside.onnx');
    const graphBytes = await collected(graph);
    expect(graphBytes.length).toBeLessThan(3000);
    await writeFile(path, graphBytes);
    await writeFile(join(folder, 'beside.onnx_data'), await collected(data));
    expect(await run(path)).toEqual(expected);
  });
});

it('a model of more bytes than 32 bits count has its constants in a file beside it too', async () => {
  const g = new Graph();
  const rows = 2 ** 28;
  const x = g.input('x', 'float32', ['batch', rows]);
  g.output('y', matMul(g, x, g.parameter('weight', [rows, 5], start)));
  const { graph, data } = streamModel(
    toModelProto(g, new Map([['weight', () => Promise.reject(new Error('never read'))]])),
    'large.onnx_data',
  );
  expect(data).not.toBeNull();
  const [weight] = fromBinary(ModelProtoSchema, await collected(graph)).graph?.initializer ?? [];
  expect(weight.externalData.map(({ key, value }) => [key, value])).toContainEqual([
    'length',
    String(4 * 5 * rows),
  ]);
});

it('a constant of another length than its shape is an error, and no damaged file', async () => {
  const wrong = new Map(later).set('bias', async () => new Float32Array(3));
  const { graph } = streamModel(foldConstants(toModelProto(network(), wrong)), 'unused');
  await expect(collected(graph)).rejects.toThrow('The constant bias has 12 bytes; its shape [64] takes 256.');
});

import { toBinary } from '@bufbuild/protobuf';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { type ClipConfig, parseClipConfig } from '../../clip/config.ts';
import { cosine, normalize } from '../../clip/ranking.ts';
import { randomStream } from '../../data/random.ts';
import { textEncoder, visionEncoder } from '../../networks/clip.ts';
import { Graph } from '../graph.ts';
import { toModelProto } from '../model-proto.ts';
import * as op from '../operators.ts';
import { TensorProto_DataType as DataType, type ModelProto, ModelProtoSchema } from '../proto/onnx_pb.ts';
import { sizeOf } from '../shapes.ts';
import { foldConstants } from './fold-constants.ts';
import { toFp16 } from './fp16.ts';
import { graphOf } from './tensors.ts';

const random = randomStream('fp16');
const small = { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2, num_attention_heads: 2 };

function configWith(text: object): ClipConfig {
  return parseClipConfig(
    {
      model_type: 'clip',
      projection_dim: 32,
      vision_config: { ...small, image_size: 32, patch_size: 8, stem_channels: [8] },
      text_config: {
        ...small,
        hidden_size: 16,
        max_position_embeddings: 12,
        vocab_size: 49_408,
        bos_token_id: 49_406,
        ...text,
      },
    },
    'a small CLIP',
  );
}

/** The encoder with weights as large as training begins with. */
function withWeights(graph: Graph): ModelProto {
  const weights = new Map(
    Array.from(graph.parameters.values(), ({ name, shape, initialisation: start }) => {
      const value = () => (start.kind === 'normal' ? start.std * (2 * random() - 1) * 1.7 : start.value);
      return [name, Float32Array.from({ length: sizeOf(shape) }, value)];
    }),
  );
  return foldConstants(toModelProto(graph, weights));
}

const similarity = (a: Float32Array, b: Float32Array) => cosine(normalize(a), normalize(b));

async function run(model: ModelProto, feeds: Record<string, ort.Tensor>): Promise<Float32Array> {
  const bytes = toBinary(ModelProtoSchema, model);
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  const [{ data }] = Object.values(await session.run(feeds));
  if (!(data instanceof Float32Array)) throw new Error('expected float32');
  return data;
}

const floatConstants = (model: ModelProto) =>
  graphOf(model).initializer.filter(({ dataType }) => dataType === DataType.FLOAT);
const bytesOf = (model: ModelProto) => toBinary(ModelProtoSchema, model).length;

test('a vision encoder in half the bytes gives the same vectors, its inputs and outputs in float32', async () => {
  const fp32 = withWeights(visionEncoder(configWith({})));
  const fp16 = toFp16(fp32);
  expect(graphOf(fp16).input).toEqual(graphOf(fp32).input);
  expect(graphOf(fp16).output).toEqual(graphOf(fp32).output);
  expect(floatConstants(fp16)).toEqual([]);
  expect(bytesOf(fp16)).toBeLessThan(0.6 * bytesOf(fp32));
  const pixels = Float32Array.from({ length: 2 * 3 * 32 * 32 }, () => 4 * random() - 2);
  const feeds = { pixel_values: new ort.Tensor('float32', pixels, [2, 3, 32, 32]) };
  expect(similarity(await run(fp32, feeds), await run(fp16, feeds))).toBeGreaterThan(0.99999);
});

test.each(['bottleneck', 'basic'])('a ResNet of %s blocks gives the same vectors', async (block) => {
  const resNet = { model_type: 'modified_resnet', image_size: 32, layers: [1, 1], width: 16, block };
  const config = { ...configWith({}), vision_config: { ...resNet, num_attention_heads: 2 } };
  const fp32 = withWeights(visionEncoder(parseClipConfig(config, 'a small ResNet')));
  const pixels = Float32Array.from({ length: 2 * 3 * 32 * 32 }, () => 4 * random() - 2);
  const feeds = { pixel_values: new ort.Tensor('float32', pixels, [2, 3, 32, 32]) };
  expect(similarity(await run(fp32, feeds), await run(toFp16(fp32), feeds))).toBeGreaterThan(0.9999);
});

describe('a text encoder', () => {
  // 49,407 and its neighbours are one and the same half.
  test.each([
    ['by the id that ends a text', 49_407],
    ['by the largest id, as old configurations want it', 2],
  ])('finds the end of a text %s', async (_, eos_token_id) => {
    const fp32 = withWeights(textEncoder(configWith({ eos_token_id })));
    const fp16 = toFp16(fp32);
    const prompts = [
      [49_406, 49_405, 320, 1125, 49_404, 49_407, 0, 0],
      [49_406, 2368, 49_407, 0, 0, 0, 0, 0],
    ];
    const ids = BigInt64Array.from(prompts.flat(), BigInt);
    const feeds = { input_ids: new ort.Tensor('int64', ids, [2, 8]) };
    const [expected, actual] = [await run(fp32, feeds), await run(fp16, feeds)];
    for (const row of [0, 1]) {
      const vector = (values: Float32Array) => values.slice(row * 32, (row + 1) * 32);
      expect(similarity(vector(expected), vector(actual))).toBeGreaterThan(0.99999);
    }
  });
});

test('a value that both a comparison and arithmetic read is had in both types', async () => {
  const g = new Graph();
  const x = g.input('x', 'float32', [3]);
  const doubled = op.add(g, x, x);
  const largest = op.cast(g, op.argMax(g, doubled, 0), 'float32');
  g.output('y', op.add(g, op.mul(g, doubled, g.scalar(0.5)), largest));
  const fp16 = toFp16(toModelProto(g));
  const feeds = { x: new ort.Tensor('float32', Float32Array.of(2048, 2049, 0), [3]) };
  // 2 · 2049 is no half, and would tie with 2 · 2048 if it were made one before the comparison.
  expect((await run(fp16, feeds))[2]).toBe(1);
});

test('an output that is read inside the graph too, and one that is an integer', async () => {
  const g = new Graph();
  const x = g.input('x', 'float32', [2]);
  const { outputs } = g.add('Relu', [x], [x]);
  g.output('y', op.neg(g, outputs[0]));
  g.output('shape', op.lengthOf(g, outputs[0], 0));
  const model = toModelProto(g);
  // What the graph calls its own output, another node reads.
  graphOf(model).node.push({ ...graphOf(model).node[0], input: ['y'], output: ['z'], name: 'z' });
  graphOf(model).output.push({ ...graphOf(model).output[0], name: 'z' });
  const session = await ort.InferenceSession.create(toBinary(ModelProtoSchema, toFp16(model)), {
    intraOpNumThreads: 1,
  });
  const { y, z, shape } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 3), [2]) });
  expect([[...y.data], [...z.data], [...shape.data]]).toEqual([[-1, -3], [0, 0], [2n]]);
});

test('constants that no half can hold are clipped, so that a mask stays a mask', async () => {
  const g = new Graph();
  const x = g.input('x', 'float32', [2]);
  const mask = g.floats([0, Number.NEGATIVE_INFINITY]);
  g.output('y', op.softmax(g, op.add(g, x, mask)));
  const feeds = { x: new ort.Tensor('float32', Float32Array.of(1, 2), [2]) };
  expect([...(await run(toFp16(toModelProto(g)), feeds))]).toEqual([1, 0]);
});

test('an operator that is not known is refused by name', () => {
  const g = new Graph();
  const x = g.input('x', 'float32', [2]);
  g.output('y', g.add('NonZero', [x], [{ type: 'int64', shape: [1, 2] }]).outputs[0]);
  expect(() => toFp16(toModelProto(g))).toThrow(/operator NonZero \(NonZero_\d\) cannot be put into fp16/);
});

test('one of ONNX Runtime’s own is named with its domain', () => {
  const g = new Graph();
  g.output('y', op.silu(g, g.input('x', 'float32', [2])));
  expect(() => toFp16(toModelProto(g))).toThrow(/operator com\.microsoft\.QuickGelu \(/);
});

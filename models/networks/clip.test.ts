// The networks against PyTorch. `python3 models/networks/fixtures/make.py` makes the fixture; the tests need no Python.

import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { type ClipConfig, isModifiedResNet, parseClipConfig, patchesPerSide } from '../clip/config.ts';
import { Graph } from '../onnx/graph.ts';
import { toModel } from '../onnx/model-proto.ts';
import { pixelValuesInput, textEncoder, visionEncoder } from './clip.ts';
import clipModel from './fixtures/clip-model.json' with { type: 'json' };
import configs from './fixtures/configs.json' with { type: 'json' };
import expected from './fixtures/networks.json' with { type: 'json' };
import { referenceBatch, referenceWeights } from './fixtures/reference-weights.ts';
import { wholeClip } from './fixtures/whole-clip.ts';
import { visionTransformer } from './vision-transformer.ts';
import { fromStored, storedShape, toStored } from './weights.ts';

const PAIRS = 3;
const cases = Object.entries(expected).map(([name, results]) => ({
  name,
  config: parseClipConfig(configs[name as keyof typeof configs], name),
  results,
}));

const feedsOf = (config: ClipConfig) => {
  const { pixel_values, input_ids, dims } = referenceBatch(config, PAIRS);
  const size = config.vision_config.image_size;
  return {
    pixel_values: new ort.Tensor('float32', pixel_values, [PAIRS, 3, size, size]),
    input_ids: new ort.Tensor('int64', input_ids, dims),
  };
};

function expectClose(actual: ort.Tensor, rows: readonly (readonly number[])[]): void {
  const wanted = rows.flat();
  expect(actual.dims).toEqual([rows.length, rows[0].length]);
  expect(
    Array.from(actual.data as Float32Array, (x, i) => Math.abs(x - wanted[i])).filter((d) => !(d < 1e-5)),
  ).toEqual([]);
}

// What `python3 models/networks/fixtures/make-clip-model.py <folder of huggingface/transformers>` finds in CLIPModel itself.
it.each(Object.entries(clipModel))("%s: the weights are CLIPModel's, by name and shape", (name, tensors) => {
  const config = parseClipConfig(configs[name as keyof typeof configs], name);
  expect(config.architectures).toEqual(['CLIPModel']);
  const stored = Array.from(wholeClip(config).parameters.values(), (each) => [each.name, storedShape(each)]);
  expect(Object.fromEntries(stored)).toEqual(tensors);
});

describe.each(cases)('$name', ({ config, results }) => {
  it('gives the vectors and similarities of PyTorch', async () => {
    const graph = wholeClip(config);
    const session = await ort.InferenceSession.create(
      toModel(graph, referenceWeights(graph.parameters.values(), config)),
    );
    const outputs = await session.run(feedsOf(config));
    expectClose(outputs.image_embeds, results.image_embeds);
    expectClose(outputs.text_embeds, results.text_embeds);
    expectClose(outputs.logits_per_image, results.logits_per_image);
  });

  it('gives the same from the two exported encoders', async () => {
    const weights = referenceWeights(wholeClip(config).parameters.values(), config);
    const vision = await ort.InferenceSession.create(toModel(visionEncoder(config), weights));
    const text = await ort.InferenceSession.create(toModel(textEncoder(config), weights));
    const { pixel_values, input_ids } = feedsOf(config);
    expectClose((await vision.run({ pixel_values })).image_embeds, results.image_embeds);
    expectClose((await text.run({ input_ids })).text_embeds, results.text_embeds);
  });

  it('pools at the first end token, however much padding follows', async () => {
    const text = await ort.InferenceSession.create(
      toModel(textEncoder(config), referenceWeights(wholeClip(config).parameters.values(), config)),
    );
    const { bos_token_id: bos, eos_token_id: eos } = config.text_config;
    const encode = (ids: readonly number[]) =>
      text.run({ input_ids: new ort.Tensor('int64', ids.map(BigInt), [1, ids.length]) });
    const alone = await encode([bos, 3, eos]);
    const padded = await encode([bos, 3, eos, eos, eos]);
    const wanted = alone.text_embeds.data as Float32Array;
    expectClose(padded.text_embeds, [Array.from(wanted)]);
  });
});

const transformers = cases.flatMap(({ name, config, results }) =>
  isModifiedResNet(config.vision_config) || !('part_of_image_embeds' in results)
    ? []
    : [{ name, config, vision: config.vision_config, part_of_image_embeds: results.part_of_image_embeds }],
);
describe.each(transformers)('$name', ({ config, vision, part_of_image_embeds }) => {
  it('gives the vectors of PyTorch from a part of the patches', async () => {
    const g = new Graph();
    const tokens = patchesPerSide(vision) ** 2 + 1;
    const kept = g.input('kept', 'float32', [PAIRS, 2, tokens]);
    g.output(
      'image_embeds',
      visionTransformer(g, pixelValuesInput(g, config, PAIRS), vision, config.projection_dim, kept),
    );
    const weights = referenceWeights(wholeClip(config).parameters.values(), config);
    const session = await ort.InferenceSession.create(toModel(g, weights));
    const rows = new Float32Array(PAIRS * 2 * tokens);
    for (let i = 0; i < PAIRS; i++) {
      rows[2 * i * tokens] = 1;
      rows[(2 * i + 1) * tokens + 3] = 1;
    }
    const { pixel_values } = feedsOf(config);
    const outputs = await session.run({
      pixel_values,
      kept: new ort.Tensor('float32', rows, [PAIRS, 2, tokens]),
    });
    expectClose(outputs.image_embeds, part_of_image_embeds);
  });
});

describe('the legacy end token 2', () => {
  it('means the largest id', async () => {
    const [{ config }] = cases;
    const legacy: ClipConfig = { ...config, text_config: { ...config.text_config, eos_token_id: 2 } };
    const weights = referenceWeights(wholeClip(config).parameters.values(), config);
    const { input_ids } = feedsOf(config);
    const modern = await ort.InferenceSession.create(toModel(textEncoder(config), weights));
    const old = await ort.InferenceSession.create(toModel(textEncoder(legacy), weights));
    expect((await old.run({ input_ids })).text_embeds.data).toEqual(
      (await modern.run({ input_ids })).text_embeds.data,
    );
  });
});

describe('stored weights', () => {
  const [{ config }] = cases;
  const parameters = [...wholeClip(config).parameters.values()];
  const weights = referenceWeights(parameters, config);

  it('keep linear weights as [out, in] and come back the same', () => {
    const stored = toStored(parameters, weights);
    expect(stored.get('vision_model.encoder.layers.0.mlp.fc1.weight')?.shape).toEqual([12, 8]);
    expect(stored.get('vision_model.embeddings.patch_embedding.weight')?.shape).toEqual([8, 3, 8, 8]);
    expect(fromStored(parameters, stored, 'x')).toEqual(weights);
  });

  it('are refused by name where one is missing or has another shape', () => {
    const stored = toStored(parameters, weights);
    stored.set('visual_projection.weight', { shape: [8, 6], data: new Float32Array(48) });
    expect(() => fromStored(parameters, stored, 'model.safetensors')).toThrow(
      'model.safetensors holds visual_projection.weight in the shape [8,6]; config.json asks for [6,8].',
    );
    stored.delete('visual_projection.weight');
    expect(() => fromStored(parameters, stored, 'model.safetensors')).toThrow(
      /lacks the tensor visual_projection.weight/,
    );
  });
});

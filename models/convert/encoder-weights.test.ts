import { describe, expect, test } from 'vitest';
import { type ClipConfig, isModifiedResNet, parseClipConfig } from '../clip/config.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import configs from '../networks/fixtures/configs.json' with { type: 'json' };
import { referenceWeights } from '../networks/fixtures/reference-weights.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import type { Graph } from '../onnx/graph.ts';
import { toModelProto } from '../onnx/model-proto.ts';
import { foldConstants } from '../onnx/precision/fold-constants.ts';
import { toFp16 } from '../onnx/precision/fp16.ts';
import type { ModelProto } from '../onnx/proto/onnx_pb.ts';
import { encoderWeights } from './encoder-weights.ts';

const POSITIONS = 'vision_model.embeddings.position_embedding.weight';
const CLASS_TOKEN = 'vision_model.embeddings.class_embedding';

/** With the class token where an encoder has it: in the first position. */
function joined(weights: Weights): Weights {
  const token = weights.get(CLASS_TOKEN);
  if (!token) return weights;
  const positions = weightsOf(weights, POSITIONS).map((value, i) => value + (token[i] ?? 0));
  return new Map([...weights, [POSITIONS, positions], [CLASS_TOKEN, token.map(() => 0)]]);
}

describe.each([
  ['fp32', (model: ModelProto) => model, 0],
  // A half has eleven bits.
  ['fp16', toFp16, 2 ** -11],
] as const)('an encoder in %s', (_, convert, rounding) => {
  const cases = Object.entries(configs).flatMap(([name, json]) => {
    const config = parseClipConfig(json, name);
    const text = [`the text of ${name}`, textEncoder(config), config] as const;
    return isModifiedResNet(config.vision_config)
      ? [text]
      : [text, [`the pictures of ${name}`, visionEncoder(config), config] as const];
  });
  test.each<readonly [string, Graph, ClipConfig]>(cases)('gives its weights back: %s', (_, graph, config) => {
    const weights = referenceWeights(graph.parameters.values(), config);
    const found = encoderWeights(convert(foldConstants(toModelProto(graph, weights))), graph, 'a file');
    expect([...found.keys()].sort()).toEqual([...weights.keys()].sort());
    for (const [name, values] of joined(weights)) {
      const given = weightsOf(found, name);
      expect(given.length, name).toBe(values.length);
      const far = values.findIndex(
        (v, i) => !(Math.abs(v - given[i]) <= rounding * Math.abs(v) + rounding ** 2),
      );
      expect(far, `${name}[${far}]: ${values[far]} became ${given[far]}`).toBe(-1);
    }
  });

  test('is refused where batch norms are in it', () => {
    const config = Object.entries(configs)
      .map(([name, json]) => parseClipConfig(json, name))
      .find(({ vision_config }) => isModifiedResNet(vision_config));
    if (!config) throw new Error('expected a ResNet among the configurations');
    const graph = visionEncoder(config);
    const model = convert(
      foldConstants(toModelProto(graph, referenceWeights(graph.parameters.values(), config))),
    );
    expect(() => encoderWeights(model, graph, 'a file')).toThrow(
      /a file was refused: .* batch norms .* Name a folder with model\.safetensors/,
    );
  });
});

// In the finished model a batch norm is part of its convolution. `python3 models/networks/fixtures/make.py` makes the fixture.

import { toBinary } from '@bufbuild/protobuf';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { parseClipConfig } from '../clip/config.ts';
import { toModelProto } from '../onnx/model-proto.ts';
import { foldConstants } from '../onnx/precision/fold-constants.ts';
import { ModelProtoSchema } from '../onnx/proto/onnx_pb.ts';
import { visionEncoder } from './clip.ts';
import configs from './fixtures/configs.json' with { type: 'json' };
import expected from './fixtures/networks.json' with { type: 'json' };
import { referenceBatch, referenceWeights } from './fixtures/reference-weights.ts';
import { wholeClip } from './fixtures/whole-clip.ts';

const NAMES = ['modified ResNet, bottlenecks', 'modified ResNet, basic blocks'] as const;

describe.each(NAMES)('%s', (name) => {
  it('costs no operator once constants are folded, and gives the vectors of PyTorch', async () => {
    const config = parseClipConfig(configs[name], name);
    const graph = visionEncoder(config);
    // Weights by formula are numbered by the names of the whole network, text tower included: ask for its tensors too.
    const weights = referenceWeights(wholeClip(config).parameters.values(), config);
    const model = foldConstants(toModelProto(graph, weights));
    const operators = new Set(model.graph?.node.map(({ opType }) => opType));
    for (const gone of ['BatchNormalization', 'Sqrt', 'Sub', 'Div']) expect(operators).not.toContain(gone);
    const session = await ort.InferenceSession.create(toBinary(ModelProtoSchema, model));
    const size = config.vision_config.image_size;
    const { pixel_values } = referenceBatch(config, 3);
    const { image_embeds } = await session.run({
      pixel_values: new ort.Tensor('float32', pixel_values, [3, 3, size, size]),
    });
    const wanted = expected[name].image_embeds.flat();
    for (const [i, x] of (image_embeds.data as Float32Array).entries()) expect(x).toBeCloseTo(wanted[i], 5);
  });
});

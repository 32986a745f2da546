// CLIP's vision transformer (Radford et al. 2021, section 2.4; openai/CLIP, clip/model.py, VisionTransformer): patches as
// tokens behind a class token, learned positions, a norm before the blocks, and the class token, normed, projected into the
// space that both towers share. Small pictures may pass a stem of 3×3 convolutions first (Xiao et al. 2021, "Early
// convolutions help transformers see better"): each halves the picture, so that fewer pixels are left to a patch.

import type { VisionTransformerConfig } from '../clip/config.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { add, conv, matMul, pad, relu, reshape, slice, transpose } from '../onnx/operators.ts';
import { lengthAt, partsAt } from '../onnx/shapes.ts';
import { constant, layerNorm, linear, normal, transformer } from './layers.ts';

const NAME = 'vision_model';

/**
 * pixel_values [b, 3, s, s] → image_embeds [b, projection], not normalised.
 * @param kept [b, k, n + 1], rows of the identity: the tokens that go on to the blocks, the class token first. For training on
 *   a part of the patches (Li et al. 2022, "Scaling language-image pre-training via masking"); all go on without it.
 */
export function visionTransformer(
  g: Graph,
  pixelValues: Value,
  config: VisionTransformerConfig,
  projection: number,
  kept?: Value,
): Value {
  const width = config.hidden_size;
  const embeddings = `${NAME}.embeddings`;
  const { features, stride } = convolutionalStem(g, pixelValues, config);
  const patches = patchEmbedding(g, features, config.patch_size / stride, width);
  const count = lengthAt(patches.shape, 1);

  // The class token goes before the patches by padding and adding: no node needs to know the batch's length.
  const classToken = g.parameter(`${embeddings}.class_embedding`, [width], normal(width ** -0.5));
  const positions = g.parameter(
    `${embeddings}.position_embedding.weight`,
    [count + 1, width],
    normal(width ** -0.5),
  );
  const first = pad(g, reshape(g, classToken, [1, width]), [0, 0], [count, 0]);
  const all = add(g, pad(g, patches, [0, 1, 0], [0, 0, 0]), add(g, positions, first));
  const tokens = kept ? matMul(g, kept, all) : all;

  // Hugging Face spells it so.
  const normed = layerNorm(g, tokens, `${NAME}.pre_layrnorm`, config.layer_norm_eps);
  const hidden = transformer(g, normed, NAME, config, {
    token: (x) => slice(g, x, [{ axis: 1, start: 0, end: 1 }]),
  });
  const pooled = reshape(g, hidden, [hidden.shape[0], width]);
  const output = layerNorm(g, pooled, `${NAME}.post_layernorm`, config.layer_norm_eps);
  return linear(g, output, 'visual_projection', projection, { std: width ** -0.5, bias: false });
}

function convolutionalStem(
  g: Graph,
  pixelValues: Value,
  config: VisionTransformerConfig,
): { features: Value; stride: number } {
  let features = pixelValues;
  let stride = 1;
  for (const [i, channels] of (config.stem_channels ?? []).entries()) {
    const inputs = lengthAt(features.shape, 1);
    const name = `${NAME}.embeddings.stem.${i}`;
    // He et al. 2015: the variance that a ReLU halves is put back.
    const weight = g.parameter(
      `${name}.weight`,
      [channels, inputs, 3, 3],
      normal(Math.sqrt(2 / (inputs * 9))),
    );
    const bias = g.parameter(`${name}.bias`, [channels], constant(0));
    const convolved = conv(g, features, weight, { stride: 2, padding: 1 });
    features = relu(g, add(g, convolved, reshape(g, bias, [1, channels, 1, 1])));
    stride *= 2;
  }
  return { features, stride };
}

/** A convolution whose stride is its kernel is a matrix product over patches, and much faster so: [b, c, s, s] → [b, n, d]. */
function patchEmbedding(g: Graph, features: Value, patch: number, width: number): Value {
  const [batch] = features.shape;
  const channels = lengthAt(features.shape, 1);
  const [rows, across] = [partsAt(features.shape, 2, patch), partsAt(features.shape, 3, patch)];
  const inputs = channels * patch * patch;
  const weight = g.parameter(
    `${NAME}.embeddings.patch_embedding.weight`,
    [width, channels, patch, patch],
    normal(inputs ** -0.5),
  );
  const grid = reshape(g, features, [batch, channels, rows, patch, across, patch]);
  const patches = reshape(g, transpose(g, grid, [0, 2, 4, 1, 3, 5]), [batch, rows * across, inputs]);
  return matMul(g, patches, transpose(g, reshape(g, weight, [width, inputs]), [1, 0]));
}

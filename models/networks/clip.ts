// A CLIP: two encoders into one space and a learned temperature. The same functions give the training step's forward half
// (train/) and the exported encoders (convert/), so that what is trained is what is exported.

import type { ClipConfig } from '../clip/config.ts';
import { Graph, type Value } from '../onnx/graph.ts';
import { exp, matMul, mul, transpose } from '../onnx/operators.ts';
import type { Dim } from '../onnx/shapes.ts';
import { constant, normalizeRows } from './layers.ts';
import { textTransformer } from './text-transformer.ts';
import { visionTransformer } from './vision-transformer.ts';

export interface ClipOutputs {
  /** [batch, projection_dim], not normalised. */
  readonly image_embeds: Value;
  readonly text_embeds: Value;
  /** [images, texts]: exp(logit_scale) times the cosines. */
  readonly logits_per_image: Value;
}

export function pixelValuesInput(g: Graph, config: ClipConfig, batch: Dim): Value {
  const size = config.vision_config.image_size;
  return g.input('pixel_values', 'float32', [batch, 3, size, size]);
}

export function inputIdsInput(g: Graph, batch: Dim): Value {
  return g.input('input_ids', 'int64', [batch, 'sequence']);
}

/** Both towers and their similarities (Radford et al. 2021, figure 3). `kept`: see visionTransformer. */
export function clip(
  g: Graph,
  config: ClipConfig,
  pixelValues: Value,
  inputIds: Value,
  kept?: Value,
): ClipOutputs {
  const image_embeds = visionTransformer(g, pixelValues, config.vision_config, config.projection_dim, kept);
  const text_embeds = textTransformer(g, inputIds, config.text_config, config.projection_dim);
  const logitScale = g.parameter('logit_scale', [], constant(config.logit_scale_init_value));
  const cosines = matMul(
    g,
    normalizeRows(g, image_embeds),
    transpose(g, normalizeRows(g, text_embeds), [1, 0]),
  );
  return { image_embeds, text_embeds, logits_per_image: mul(g, cosines, exp(g, logitScale)) };
}

/** `onnx/vision_model.onnx`: pixel_values [batch, 3, s, s] → image_embeds [batch, projection_dim]. */
export function visionEncoder(config: ClipConfig): Graph {
  const g = new Graph();
  const embeds = visionTransformer(
    g,
    pixelValuesInput(g, config, 'batch'),
    config.vision_config,
    config.projection_dim,
  );
  g.output('image_embeds', embeds);
  return g;
}

/** `onnx/text_model.onnx`: input_ids [batch, sequence] → text_embeds [batch, projection_dim]. */
export function textEncoder(config: ClipConfig): Graph {
  const g = new Graph();
  const embeds = textTransformer(g, inputIdsInput(g, 'batch'), config.text_config, config.projection_dim);
  g.output('text_embeds', embeds);
  return g;
}

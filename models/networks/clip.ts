// A CLIP: two encoders into one space and a learned temperature. The same functions give the training step's forward half
// (train/) and the exported encoders (convert/), so that what is trained is what is exported.

import { type ClipConfig, isModifiedResNet } from '../clip/config.ts';
import { Graph, type Parameter, type Value } from '../onnx/graph.ts';
import { add, exp, matMul, mul, transpose } from '../onnx/operators.ts';
import type { Dim } from '../onnx/shapes.ts';
import { constant, normalizeRows } from './layers.ts';
import { modifiedResNet } from './modified-resnet.ts';
import { textTransformer } from './text-transformer.ts';
import { visionTransformer } from './vision-transformer.ts';

export function pixelValuesInput(g: Graph, config: ClipConfig, batch: Dim): Value {
  const size = config.vision_config.image_size;
  return g.input('pixel_values', 'float32', [batch, 3, size, size]);
}

/** int32 on a GPU: WebGPU has no longer integers. */
export function inputIdsInput(g: Graph, batch: Dim, sequence: Dim = 'sequence'): Value {
  return g.input('input_ids', g.target === 'gpu' ? 'int32' : 'int64', [batch, sequence]);
}

/** pixel_values → image_embeds, by whichever tower the configuration names. `kept`: see visionTransformer. */
export function imageTower(
  g: Graph,
  { vision_config, projection_dim }: ClipConfig,
  pixelValues: Value,
  kept?: Value,
): Value {
  return isModifiedResNet(vision_config)
    ? modifiedResNet(g, pixelValues, vision_config, projection_dim)
    : visionTransformer(g, pixelValues, vision_config, projection_dim, kept);
}

/** What turns cosines into logits, both learned. */
export interface Temperature {
  /** A logarithm. */
  readonly logitScale: Value;
  /** What is added to every logit; SigLIP's, null where there is none. */
  readonly logitBias: Value | null;
}

/** @param start what both start at */
export function temperature(
  g: Graph,
  start: { readonly logitScale: number; readonly logitBias?: number | null },
): Temperature {
  const { logitScale, logitBias = null } = start;
  return {
    logitScale: g.parameter('logit_scale', [], constant(logitScale)),
    logitBias: logitBias === null ? null : g.parameter('logit_bias', [], constant(logitBias)),
  };
}

/** Rows of [n, d] and of [m, d] → [n, m]: e^logit_scale times the cosines (Radford et al. 2021, figure 3). */
export function similarities(g: Graph, rows: Value, columns: Value, learned: Temperature): Value {
  const cosines = matMul(g, normalizeRows(g, rows), transpose(g, normalizeRows(g, columns), [1, 0]));
  const logits = mul(g, cosines, exp(g, learned.logitScale));
  return learned.logitBias === null ? logits : add(g, logits, learned.logitBias);
}

/** `onnx/vision_model.onnx`: pixel_values [batch, 3, s, s] → image_embeds [batch, projection_dim]. */
export function visionEncoder(config: ClipConfig): Graph {
  const g = new Graph();
  g.output('image_embeds', imageTower(g, config, pixelValuesInput(g, config, 'batch')));
  return g;
}

/** `onnx/text_model.onnx`: input_ids [batch, sequence] → text_embeds [batch, projection_dim]. */
export function textEncoder(config: ClipConfig): Graph {
  const g = new Graph();
  const embeds = textTransformer(g, inputIdsInput(g, 'batch'), config.text_config, config.projection_dim);
  g.output('text_embeds', embeds);
  return g;
}

/** Of both encoders: all that a model folder keeps but the temperature. */
export function encoderParameters(config: ClipConfig): Parameter[] {
  return [visionEncoder(config), textEncoder(config)].flatMap((g) => [...g.parameters.values()]);
}

// What every training step's graph is made of, wherever it runs: both towers and the loss over a batch, and what they read of one.

import * as ort from 'onnxruntime-node';
import type { ClipConfig } from '../clip/config.ts';
import type { EncodingBatch } from '../clip/types.ts';
import { imageTower, inputIdsInput, pixelValuesInput, similarities } from '../networks/clip.ts';
import { textTransformer } from '../networks/text-transformer.ts';
import type { Graph, Target, Value } from '../onnx/graph.ts';
import { LOSSES, type LossInputs, type LossName } from './contrastive-loss.ts';
import { floats, type Tensors } from './graph-session.ts';
import { patchCount } from './patch-dropout.ts';

export interface StepInputs {
  /** [batch, 3, size, size] */
  readonly pixel_values: Float32Array<ArrayBuffer>;
  readonly captions: EncodingBatch;
  /** From the loss's `inputsOf`. */
  readonly pairs: LossInputs;
  /** [batch, kept patches + 1, patches + 1], from `keptPatches`; only for a step that leaves patches out. */
  readonly kept?: Float32Array<ArrayBuffer>;
}

export interface StepShape {
  /** Pairs whose captions and pictures are told apart. */
  readonly batchSize: number;
  /** Parts that the batch comes in; a divisor of its size. */
  readonly accumulate: number;
  /** Patches of each picture that the vision transformer sees. */
  readonly patches: number;
  /** Tokens of every caption; left out where a batch may be as long as its longest. */
  readonly tokens?: number;
  readonly loss: LossName;
}

export interface Embeds {
  readonly image_embeds: Value;
  readonly text_embeds: Value;
}

/** Both towers over `pairs` pictures and captions; captions of any one length where `tokens` is not given. */
export function towers(
  g: Graph,
  config: ClipConfig,
  pairs: number,
  { patches, tokens }: Pick<StepShape, 'patches' | 'tokens'>,
): Embeds {
  const all = patchCount(config);
  const kept = patches < all ? g.input('kept', 'float32', [pairs, patches + 1, all + 1]) : undefined;
  return {
    image_embeds: imageTower(g, config, pixelValuesInput(g, config, pairs), kept),
    text_embeds: textTransformer(
      g,
      inputIdsInput(g, pairs, tokens),
      config.text_config,
      config.projection_dim,
    ),
  };
}

export function addLoss(
  g: Graph,
  config: ClipConfig,
  { batchSize, loss: name }: Pick<StepShape, 'batchSize' | 'loss'>,
  embeds: Embeds,
): Value {
  const loss = LOSSES[name];
  const logits = similarities(g, embeds.image_embeds, embeds.text_embeds, {
    logitScale: loss.start.logitScale ?? config.logit_scale_init_value,
    logitBias: loss.start.logitBias,
  });
  const inputs = loss.inputs.map(
    (input) => [input, g.input(input, 'float32', [batchSize, batchSize])] as const,
  );
  return loss.build(g, logits, Object.fromEntries(inputs));
}

/** What the towers of a graph for `target` read of the pairs [from, from + count). */
export function towerFeeds(
  config: ClipConfig,
  { patches }: Pick<StepShape, 'patches'>,
  { pixel_values, captions, kept }: StepInputs,
  from: number,
  count: number,
  target: Target = 'cpu',
): Tensors {
  const size = config.vision_config.image_size;
  const part = <Data extends Float32Array | BigInt64Array>(data: Data, each: number) =>
    data.subarray(from * each, (from + count) * each) as Data;
  const length = captions.dims[1];
  const feeds: Record<string, ort.Tensor> = {
    pixel_values: floats(part(pixel_values, 3 * size * size), [count, 3, size, size]),
    input_ids: idsTensor(part(captions.input_ids, length), [count, length], target),
  };
  if (kept) {
    const dims = [patches + 1, patchCount(config) + 1];
    feeds.kept = floats(part(kept, dims[0] * dims[1]), [count, ...dims]);
  }
  return feeds;
}

/** As `inputIdsInput` declares it. */
function idsTensor(ids: BigInt64Array, dims: number[], target: Target): ort.Tensor {
  return target === 'gpu'
    ? new ort.Tensor('int32', Int32Array.from(ids, Number), dims)
    : new ort.Tensor('int64', ids, dims);
}

export function lossFeeds({ batchSize }: Pick<StepShape, 'batchSize'>, { pairs }: StepInputs): Tensors {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, data]) => [name, floats(data, [batchSize, batchSize])]),
  );
}

// What every training step's graph is made of, wherever it runs: both towers and the loss over a batch, and what they read of one.

import * as ort from 'onnxruntime-node';
import type { ClipConfig } from '../clip/config.ts';
import type { EncodingBatch } from '../clip/types.ts';
import { imageTower, inputIdsInput, pixelValuesInput, similarities, temperature } from '../networks/clip.ts';
import { textTransformer } from '../networks/text-transformer.ts';
import type { Graph, Target, Value } from '../onnx/graph.ts';
import { add, mul, slice } from '../onnx/operators.ts';
import { LOSSES, type LossInputs, type LossName } from './contrastive-loss.ts';
import { floats, type Tensors } from './graph-session.ts';
import { patchCount } from './patch-dropout.ts';

export interface StepInputs {
  /** [batch, 3, size, size] */
  readonly pixel_values: Float32Array<ArrayBuffer>;
  readonly captions: EncodingBatch;
  /** From the loss's `inputsOf`. */
  readonly pairs: LossInputs;
  /** The same of pairs of texts, whose names and then whose meanings stand behind the captions. */
  readonly textPairs?: LossInputs;
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
  /** Texts about the same, told apart from each other beside the pictures, and that loss's part beside the captions' of 1. */
  readonly textPairs?: { readonly count: number; readonly weight: number };
}

export interface Embeds {
  readonly image_embeds: Value;
  /** Of the captions, of the pairs' names, and of their meanings. */
  readonly text_embeds: Value;
}

const textsBeside = ({ textPairs }: Pick<StepShape, 'textPairs'>) => 2 * (textPairs?.count ?? 0);

/** Both towers over `pairs` pictures and captions; captions of any one length where `tokens` is not given. */
export function towers(
  g: Graph,
  config: ClipConfig,
  pairs: number,
  { patches, tokens, textPairs }: Pick<StepShape, 'patches' | 'tokens' | 'textPairs'>,
): Embeds {
  const all = patchCount(config);
  const kept = patches < all ? g.input('kept', 'float32', [pairs, patches + 1, all + 1]) : undefined;
  return {
    image_embeds: imageTower(g, config, pixelValuesInput(g, config, pairs), kept),
    text_embeds: textTransformer(
      g,
      inputIdsInput(g, pairs + textsBeside({ textPairs }), tokens),
      config.text_config,
      config.projection_dim,
    ),
  };
}

export function addLoss(
  g: Graph,
  config: ClipConfig,
  { batchSize, loss: name, textPairs }: Pick<StepShape, 'batchSize' | 'loss' | 'textPairs'>,
  { image_embeds, text_embeds }: Embeds,
): Value {
  const loss = LOSSES[name];
  const learned = temperature(g, {
    logitScale: loss.start.logitScale ?? config.logit_scale_init_value,
    logitBias: loss.start.logitBias,
  });
  const over = (first: Value, second: Value, count: number, prefix: string): Value => {
    const inputs = loss.inputs.map(
      (input) => [input, g.input(`${prefix}${input}`, 'float32', [count, count])] as const,
    );
    return loss.build(g, similarities(g, first, second, learned), Object.fromEntries(inputs));
  };
  if (!textPairs) return over(image_embeds, text_embeds, batchSize, '');
  const texts = (start: number, count: number) =>
    slice(g, text_embeds, [{ axis: 0, start, end: start + count }]);
  const { count, weight } = textPairs;
  const names = texts(batchSize, count);
  const meanings = texts(batchSize + count, count);
  return add(
    g,
    over(image_embeds, texts(0, batchSize), batchSize, ''),
    mul(g, over(names, meanings, count, BESIDE), g.scalar(weight)),
  );
}

/** Before the names of the loss's inputs, where they are of pairs of texts. */
const BESIDE = 'texts.';

/** What the towers of a graph for `target` read of the pairs [from, from + count). */
export function towerFeeds(
  config: ClipConfig,
  { patches, textPairs }: Pick<StepShape, 'patches' | 'textPairs'>,
  { pixel_values, captions, kept }: StepInputs,
  from: number,
  count: number,
  target: Target = 'cpu',
): Tensors {
  const size = config.vision_config.image_size;
  const part = (data: Float32Array, each: number) => data.subarray(from * each, (from + count) * each);
  const length = captions.dims[1];
  const texts = count + textsBeside({ textPairs });
  const ids = captions.input_ids.subarray(from * length, (from + texts) * length);
  const feeds: Record<string, ort.Tensor> = {
    pixel_values: floats(part(pixel_values, 3 * size * size), [count, 3, size, size]),
    input_ids: idsTensor(ids, [texts, length], target),
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

export function lossFeeds(
  { batchSize, textPairs }: Pick<StepShape, 'batchSize' | 'textPairs'>,
  inputs: StepInputs,
): Tensors {
  const feeds = (of: LossInputs | undefined, count: number, prefix: string) =>
    Object.entries(of ?? {}).map(
      ([name, data]) => [`${prefix}${name}`, floats(data, [count, count])] as const,
    );
  return Object.fromEntries([
    ...feeds(inputs.pairs, batchSize, ''),
    ...(textPairs ? feeds(inputs.textPairs, textPairs.count, BESIDE) : []),
  ]);
}

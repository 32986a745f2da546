// What every training step's graph is made of, wherever it runs: both towers and the loss over a batch, and what they read of one.

import * as ort from 'onnxruntime-node';
import type { ClipConfig } from '../clip/config.ts';
import type { EncodingBatch } from '../clip/types.ts';
import { imageTower, inputIdsInput, pixelValuesInput, similarities, temperature } from '../networks/clip.ts';
import { normal } from '../networks/layers.ts';
import { packedTextTransformer, textTransformer } from '../networks/text-transformer.ts';
import type { Graph, Parameter, Target, Value } from '../onnx/graph.ts';
import { add, matMul, mul, slice } from '../onnx/operators.ts';
import { LOSSES, type LossInputs, type LossName } from './contrastive-loss.ts';
import { floats, type Tensors } from './graph-session.ts';
import { patchCount } from './patch-dropout.ts';
import { packedTextInputs, packTexts } from './text-packing.ts';

/** What a network reads of encoded texts. */
export type TokenIds = Pick<EncodingBatch, 'input_ids' | 'dims'>;

export interface StepInputs {
  /** [batch, 3, size, size] */
  readonly pixel_values: Float32Array<ArrayBuffer>;
  readonly captions: TokenIds;
  /** From the loss's `inputsOf`. */
  readonly pairs: LossInputs;
  /** The same of pairs of texts, whose names and then whose meanings stand behind the captions. */
  readonly textPairs?: LossInputs;
  /** The names' word vectors, [pairs of texts, size], and what these are to the names. */
  readonly wordVectors?: { readonly data: Float32Array<ArrayBuffer>; readonly pairs: LossInputs };
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
  /** Tokens that no caption has more of. */
  readonly tokens: number;
  /** Rows that the captions fill, where that is known beforehand: see text-packing.ts. */
  readonly rows?: number;
  readonly loss: LossName;
  /** Texts about the same, told apart from each other beside the pictures. */
  readonly textPairs?: TextPairsShape;
}

export interface StepShapeWithTexts extends StepShape {
  readonly textPairs: TextPairsShape;
}

export interface TextPairsShape {
  readonly count: number;
  /** That loss's part beside the captions' of 1. */
  readonly weight: number;
  /** Where names are also to be told by their word vectors, by a loss of the same weight. */
  readonly wordVectors?: { readonly size: number };
}

export interface Embeds {
  readonly image_embeds: Value;
  /** Of the captions, of the pairs' names, and of their meanings. */
  readonly text_embeds: Value;
}

const textsBeside = ({ textPairs }: Pick<StepShape, 'textPairs'>) => 2 * (textPairs?.count ?? 0);

/** Both towers over `pairs` pictures and captions. On a CPU captions come packed; a GPU has work enough to do without. */
export function towers(
  g: Graph,
  config: ClipConfig,
  pairs: number,
  { patches, tokens, rows, textPairs }: Pick<StepShape, 'patches' | 'tokens' | 'rows' | 'textPairs'>,
): Embeds {
  const all = patchCount(config);
  const kept = patches < all ? g.input('kept', 'float32', [pairs, patches + 1, all + 1]) : undefined;
  return {
    image_embeds: imageTower(g, config, pixelValuesInput(g, config, pairs), kept),
    text_embeds: textTower(g, config, pairs + textsBeside({ textPairs }), { tokens, rows }),
  };
}

function textTower(
  g: Graph,
  { text_config: text, projection_dim: projection }: ClipConfig,
  texts: number,
  { tokens, rows }: Pick<StepShape, 'tokens' | 'rows'>,
): Value {
  return g.target === 'gpu'
    ? textTransformer(g, inputIdsInput(g, texts, tokens), text, projection)
    : packedTextTransformer(g, packedTextInputs(g, texts, tokens, rows), text, projection);
}

export function addLoss(
  g: Graph,
  config: ClipConfig,
  { batchSize, loss, textPairs }: Pick<StepShape, 'batchSize' | 'loss' | 'textPairs'>,
  { image_embeds, text_embeds }: Embeds,
): Value {
  const over = lossBetween(g, config, loss);
  if (!textPairs) return over(image_embeds, text_embeds, batchSize, '');
  const texts = (start: number, count: number) =>
    slice(g, text_embeds, [{ axis: 0, start, end: start + count }]);
  const pictures = over(image_embeds, texts(0, batchSize), batchSize, '');
  const { count } = textPairs;
  const [names, meanings] = [texts(batchSize, count), texts(batchSize + count, count)];
  return add(g, pictures, lossBeside(g, config, over, textPairs, names, meanings));
}

/** The same of the pairs of texts alone, with the tower that reads them: for a batch whose pictures come in parts. */
export function addTextLoss(
  g: Graph,
  config: ClipConfig,
  { loss, textPairs, tokens }: Pick<StepShapeWithTexts, 'loss' | 'textPairs' | 'tokens'>,
): Value {
  const { count } = textPairs;
  const texts = textTower(g, config, 2 * count, { tokens });
  const [names, meanings] = [0, count].map((start) =>
    slice(g, texts, [{ axis: 0, start, end: start + count }]),
  );
  return lossBeside(g, config, lossBetween(g, config, loss), textPairs, names, meanings);
}

type LossBetween = (first: Value, second: Value, count: number, prefix: string) => Value;

/** Of vectors [count, d] that stand for the same in the same place. */
function lossBetween(g: Graph, config: ClipConfig, name: LossName): LossBetween {
  const loss = LOSSES[name];
  const learned = temperature(g, {
    logitScale: loss.start.logitScale ?? config.logit_scale_init_value,
    logitBias: loss.start.logitBias,
  });
  return (first, second, count, prefix) => {
    const inputs = loss.inputs.map(
      (input) => [input, g.input(`${prefix}${input}`, 'float32', [count, count])] as const,
    );
    return loss.build(g, similarities(g, first, second, learned), Object.fromEntries(inputs));
  };
}

/** What pairs of texts add to the loss. */
function lossBeside(
  g: Graph,
  config: ClipConfig,
  over: LossBetween,
  { count, weight, wordVectors }: TextPairsShape,
  names: Value,
  meanings: Value,
): Value {
  const told = over(names, meanings, count, BESIDE.texts);
  const beside = wordVectors
    ? add(g, told, over(names, projectedVectors(g, config, count, wordVectors.size), count, BESIDE.vectors))
    : told;
  return mul(g, beside, g.scalar(weight));
}

/** Before the names of the loss's inputs, where they are of pairs of texts, or of names and word vectors. */
const BESIDE = { texts: 'texts.', vectors: 'vectors.' } as const;

const WORD_PROJECTION = 'word_projection.weight';

/** Whether a parameter is the model's: what only training needs is not written into a model folder. */
export const isOfModel = ({ name }: Pick<Parameter, 'name'>): boolean => name !== WORD_PROJECTION;

function projectedVectors(g: Graph, { projection_dim }: ClipConfig, count: number, size: number): Value {
  const vectors = g.input('word_vectors', 'float32', [count, size]);
  return matMul(g, vectors, g.parameter(WORD_PROJECTION, [size, projection_dim], normal(size ** -0.5), true));
}

/** What the towers of a graph for `target` read of the pairs [from, from + count). */
export function towerFeeds(
  config: ClipConfig,
  { patches, tokens, textPairs }: Pick<StepShape, 'patches' | 'tokens' | 'textPairs'>,
  { pixel_values, captions, kept }: StepInputs,
  from: number,
  count: number,
  target: Target = 'cpu',
): Tensors {
  const size = config.vision_config.image_size;
  const part = (data: Float32Array, each: number) => data.subarray(from * each, (from + count) * each);
  const texts = count + textsBeside({ textPairs });
  const all = patchCount(config);
  const feeds: Record<string, ort.Tensor> = {
    pixel_values: floats(part(pixel_values, 3 * size * size), [count, 3, size, size]),
    ...(target === 'gpu'
      ? { input_ids: shortIds(captions, from, texts) }
      : packTexts(captions, { from, count: texts, tokens }, config.text_config)),
  };
  if (patches < all) {
    const rows = given(kept, 'kept patches');
    feeds.kept = floats(part(rows, (patches + 1) * (all + 1)), [count, patches + 1, all + 1]);
  }
  return feeds;
}

/** WebGPU has no longer integers. */
function shortIds({ input_ids, dims: [, length] }: TokenIds, from: number, count: number): ort.Tensor {
  const ids = input_ids.subarray(from * length, (from + count) * length);
  return new ort.Tensor('int32', Int32Array.from(ids, Number), [count, length]);
}

export function lossFeeds(
  { batchSize, textPairs }: Pick<StepShape, 'batchSize' | 'textPairs'>,
  inputs: StepInputs,
): Tensors {
  return {
    ...pairFeeds(inputs.pairs, batchSize, ''),
    ...(textPairs && feedsBeside(textPairs, inputs)),
  };
}

/** What the graph of `addTextLoss` reads of a batch. */
export function textLossFeeds(
  { text_config }: ClipConfig,
  { batchSize, textPairs, tokens }: Pick<StepShapeWithTexts, 'batchSize' | 'textPairs' | 'tokens'>,
  inputs: StepInputs,
): Tensors {
  const texts = { from: batchSize, count: textsBeside({ textPairs }), tokens };
  return { ...packTexts(inputs.captions, texts, text_config), ...feedsBeside(textPairs, inputs) };
}

function feedsBeside(
  { count, wordVectors }: TextPairsShape,
  { textPairs, wordVectors: vectors }: StepInputs,
): Tensors {
  const feeds = pairFeeds(given(textPairs, 'pairs of texts'), count, BESIDE.texts);
  if (!wordVectors) return feeds;
  const { data, pairs } = given(vectors, 'word vectors');
  return {
    ...feeds,
    ...pairFeeds(pairs, count, BESIDE.vectors),
    word_vectors: floats(data, [count, wordVectors.size]),
  };
}

function pairFeeds(of: LossInputs, count: number, prefix: string): Tensors {
  return Object.fromEntries(
    Object.entries(of).map(([name, data]) => [`${prefix}${name}`, floats(data, [count, count])]),
  );
}

/** What a step's shape says that its graph reads. */
function given<Input>(input: Input | undefined, what: string): Input {
  if (input === undefined) throw new Error(`A step was made to read ${what}, and its batch came without.`);
  return input;
}

// A folder that export has made, in transformers.js in Node as it comes, beside ours: whether each of the classes that its users
// load opens it, and how far what they give is from what our encoders give for the same tensors.

import { basename, dirname, resolve } from 'node:path';
import {
  AutoProcessor,
  AutoTokenizer,
  CLIPTextModelWithProjection,
  CLIPVisionModelWithProjection,
  env,
  pipeline,
  RawImage,
  type Tensor,
} from '@huggingface/transformers';
import { preprocess } from '../../models/clip/preprocess.ts';
import { normalize, rank } from '../../models/clip/ranking.ts';
import type { RgbImage, Tokenizer } from '../../models/clip/types.ts';
import { type NodeModel, openModel } from '../../models/inference/model.ts';

/** What vectors may differ by, of their largest entry, and probabilities: float32 rounds a million times finer. */
const BOUND = 1e-4;
/** The pipeline's own sentence. */
const HYPOTHESIS = 'This is a photo of ';

export interface Comparison {
  readonly what: string;
  /** The largest difference found. */
  readonly difference: number;
  /** Null where it is only told: transformers.js resizes with sharp, which is not Pillow. */
  readonly bound: number | null;
  /** What was compared. */
  readonly of: string;
}

export const passes = ({ difference, bound }: Comparison) => bound === null || difference <= bound;

/**
 * @param path a folder in fp32 with the combined graph
 * @param prompts none longer than the context: of those it loses the end token
 */
export async function compareWithPeer(
  path: string,
  photographs: readonly RgbImage[],
  prompts: readonly string[],
  labels: readonly string[],
): Promise<Comparison[]> {
  env.allowLocalModels = true;
  env.allowRemoteModels = false;
  env.localModelPath = dirname(resolve(path));
  const name = basename(path);
  const model = await openModel(path, { precision: 'fp32' });
  try {
    const pixels = await pixelValues(name, photographs);
    return [
      await tokens(name, model.tokenizer, prompts),
      await textVectors(name, model, prompts),
      await imageVectors(name, model, pixels),
      await scores(name, model, photographs[0], pixels[0], labels),
      ...preprocessing(model, photographs, pixels),
    ];
  } finally {
    await model.close();
  }
}

async function pixelValues(name: string, photographs: readonly RgbImage[]): Promise<Tensor[]> {
  const processor = await AutoProcessor.from_pretrained(name);
  const all: Tensor[] = [];
  for (const { data, width, height, channels } of photographs)
    all.push((await processor(new RawImage(data, width, height, channels))).pixel_values);
  return all;
}

async function tokens(name: string, tokenizer: Tokenizer, prompts: readonly string[]): Promise<Comparison> {
  const theirs = (await AutoTokenizer.from_pretrained(name))(prompts, { padding: true, truncation: true });
  const ours = tokenizer.encodeBatch(prompts);
  const ids = [theirs.input_ids.data, theirs.attention_mask.data, theirs.input_ids.dims].map(String);
  const same = [ours.input_ids, ours.attention_mask, ours.dims].every((part, i) => String(part) === ids[i]);
  return {
    what: 'AutoTokenizer: ids and mask',
    difference: same ? 0 : Number.POSITIVE_INFINITY,
    bound: 0,
    of: `${prompts.length} prompts`,
  };
}

async function textVectors(name: string, model: NodeModel, prompts: readonly string[]): Promise<Comparison> {
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  const encoder = await CLIPTextModelWithProjection.from_pretrained(name);
  const { text_embeds } = await encoder(tokenizer(prompts, { padding: true, truncation: true }));
  await encoder.dispose();
  return {
    what: 'CLIPTextModelWithProjection: vectors',
    difference: furthest(rowsOf(text_embeds), await model.embedTexts(prompts)),
    bound: BOUND,
    of: `${prompts.length} prompts`,
  };
}

async function imageVectors(name: string, model: NodeModel, pixels: readonly Tensor[]): Promise<Comparison> {
  const encoder = await CLIPVisionModelWithProjection.from_pretrained(name);
  const theirs: Float32Array[] = [];
  const ours: Float32Array[] = [];
  for (const pixel_values of pixels) {
    theirs.push(...rowsOf((await encoder({ pixel_values })).image_embeds));
    ours.push(...(await model.embedPixelValues(Float32Array.from(pixel_values.data), 1)));
  }
  await encoder.dispose();
  return {
    what: 'CLIPVisionModelWithProjection: vectors',
    difference: furthest(theirs, ours),
    bound: BOUND,
    of: `${pixels.length} pictures, its pixel values for both`,
  };
}

async function scores(
  name: string,
  model: NodeModel,
  { data, width, height, channels }: RgbImage,
  pixels: Tensor,
  labels: readonly string[],
): Promise<Comparison> {
  const classify = await pipeline('zero-shot-image-classification', name);
  const theirs = await classify(new RawImage(data, width, height, channels), labels);
  await classify.dispose();
  const [image] = await model.embedPixelValues(Float32Array.from(pixels.data), 1);
  const texts = await model.embedTexts(labels.map((label) => HYPOTHESIS + label));
  const ours = new Map(
    rank(image, texts, model.folder).map(({ index, probability }) => [labels[index], probability]),
  );
  return {
    what: 'zero-shot-image-classification: scores',
    difference: Math.max(...theirs.map(({ label, score }) => Math.abs(score - Number(ours.get(label))))),
    bound: BOUND,
    of: `a picture and ${labels.length} labels, its pixel values for both`,
  };
}

/** In levels of 255, whatever the folder's mean and std. */
function preprocessing(
  { preprocessing: asked }: NodeModel,
  photographs: readonly RgbImage[],
  pixels: readonly Tensor[],
): Comparison[] {
  const levels: number[] = [];
  for (const [i, photograph] of photographs.entries()) {
    const ours = preprocess(photograph, asked);
    const plane = ours.length / 3;
    for (const [at, value] of ours.entries()) {
      const level = asked.std[Math.floor(at / plane)] / asked.rescaleFactor;
      levels.push(level * Math.abs(value - pixels[i].data[at]));
    }
  }
  const largest = levels.reduce((most, level) => Math.max(most, level), 0);
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  const of = `${photographs.length} pictures, levels of 255`;
  return [
    { what: 'AutoProcessor: pixel values, at most', difference: largest, bound: null, of },
    { what: 'AutoProcessor: pixel values, in the mean', difference: mean, bound: null, of },
  ];
}

function rowsOf({ data, dims: [rows, dim] }: Tensor): Float32Array[] {
  return Array.from({ length: rows }, (_, row) => normalize(data.subarray(row * dim, (row + 1) * dim)));
}

/** The largest difference between two sets of vectors, of the largest entry of the second. */
function furthest(found: readonly Float32Array[], expected: readonly Float32Array[]): number {
  const ratios = expected.map((vector, i) => {
    const largest = Math.max(...vector.map(Math.abs));
    return Math.max(...vector.map((value, at) => Math.abs(value - found[i][at]))) / largest;
  });
  return Math.max(...ratios);
}

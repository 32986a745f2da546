// What a trained model thinks of a batch, as a share of the targets: distillation as open_clip has it (--distill-model there too).
// Its loss is the contrastive one plus the cross-entropy to the teacher's softmax over the batch, in both directions; as a
// cross-entropy is linear in its targets, adding to the targets is the same. The teacher sees what the step sees, pictures at
// the step's size and in its colours, enlarged to what it reads, and the same captions by its own tokenizer.

import type { RgbImage } from '../clip/types.ts';
import type { PairBatch } from '../data/pair-stream.ts';
import type { LossInputs } from './contrastive-loss.ts';
import { MEAN, STD } from './model-folder.ts';

export interface Teacher {
  readonly folder: { readonly logitScale: number };
  /** Unit vectors, in the order of what they are of. */
  embedImages(images: readonly RgbImage[]): Promise<readonly Float32Array[]>;
  embedTexts(texts: readonly string[]): Promise<readonly Float32Array[]>;
}

/**
 * The softmax loss's inputs with the teacher's answer added to the targets. Pairs that the mask takes from each other stay apart:
 * the teacher too chooses only among what is left.
 * @param weight of the teacher's cross-entropy beside the contrastive one; 1 in open_clip
 */
export async function withTeacher(
  inputs: LossInputs,
  { pixel_values, captions }: Pick<PairBatch, 'pixel_values' | 'captions'>,
  teacher: Teacher,
  weight: number,
): Promise<LossInputs> {
  const size = captions.length;
  const images = await teacher.embedImages(picturesOf(pixel_values, size));
  const texts = await teacher.embedTexts(captions);
  const logits = images.flatMap((image) => texts.map((text) => teacher.folder.logitScale * dot(image, text)));
  const { mask } = inputs;
  const caption_targets = inputs.caption_targets.slice();
  const picture_targets = inputs.picture_targets.slice();
  const places = Array.from({ length: size }, (_, i) => i);
  for (const i of places) {
    addSoftmax(
      caption_targets,
      logits,
      mask,
      places.map((j) => i * size + j),
      weight / size,
    ); // of picture i
    addSoftmax(
      picture_targets,
      logits,
      mask,
      places.map((j) => j * size + i),
      weight / size,
    ); // of caption i
  }
  return { ...inputs, caption_targets, picture_targets };
}

/** Adds `share` times the softmax of the logits at the places that are not masked. */
function addSoftmax(
  targets: Float32Array,
  logits: readonly number[],
  mask: Float32Array,
  places: readonly number[],
  share: number,
): void {
  const open = places.filter((place) => mask[place] === 0);
  const largest = open.reduce((most, place) => Math.max(most, logits[place]), -Infinity);
  const sum = open.reduce((total, place) => total + Math.exp(logits[place] - largest), 0);
  for (const place of open) targets[place] += (share * Math.exp(logits[place] - largest)) / sum;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** The pictures of a batch as they were before they were normalised, in whole levels. */
function picturesOf(pixel_values: Float32Array, count: number): RgbImage[] {
  const pixels = pixel_values.length / count / 3;
  const side = Math.sqrt(pixels);
  return Array.from({ length: count }, (_, picture) => {
    const data = new Uint8ClampedArray(3 * pixels);
    for (let channel = 0; channel < 3; channel++) {
      const from = (3 * picture + channel) * pixels;
      for (let i = 0; i < pixels; i++)
        data[3 * i + channel] = 255 * (pixel_values[from + i] * STD[channel] + MEAN[channel]);
    }
    return { width: side, height: side, channels: 3, data };
  });
}

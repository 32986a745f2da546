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
  const { logitScale } = teacher.folder;
  /** [pictures, captions] */
  const logits = new Float32Array(size * size);
  for (const [i, image] of images.entries())
    for (let j = 0; j < size; j++) logits[i * size + j] = logitScale * dot(image, texts[j]);
  const caption_targets = inputs.caption_targets.slice();
  const picture_targets = inputs.picture_targets.slice();
  for (let i = 0; i < size; i++) {
    addSoftmax(caption_targets, logits, inputs.mask, { first: i * size, step: 1, size }, weight / size);
    addSoftmax(picture_targets, logits, inputs.mask, { first: i, step: size, size }, weight / size);
  }
  return { ...inputs, caption_targets, picture_targets };
}

/** Adds `share` times the softmax of a row's or a column's logits, of those that are not masked. */
function addSoftmax(
  targets: Float32Array,
  logits: Float32Array,
  mask: Float32Array,
  { first, step, size }: { readonly first: number; readonly step: number; readonly size: number },
  share: number,
): void {
  const end = first + step * size;
  let largest = -Infinity;
  for (let at = first; at < end; at += step) if (mask[at] === 0 && logits[at] > largest) largest = logits[at];
  let sum = 0;
  for (let at = first; at < end; at += step) if (mask[at] === 0) sum += Math.exp(logits[at] - largest);
  for (let at = first; at < end; at += step)
    if (mask[at] === 0) targets[at] += (share * Math.exp(logits[at] - largest)) / sum;
}

/** In four sums, which a core adds up side by side: a batch of a thousand has a million of these. */
function dot(a: Float32Array, b: Float32Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < a.length; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (; i < a.length; i++) s0 += a[i] * b[i];
  return s0 + s1 + s2 + s3;
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

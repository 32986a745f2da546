// Many encoded pictures to many vectors: decoded a few at a time (a 12-megapixel photograph is 36 MB once decoded),
// preprocessed at once into the batch that the encoder runs on. A picture that cannot be read costs no other.

import { imageSize, preprocess } from '../clip/preprocess.ts';
import type { RgbImage } from '../clip/types.ts';
import { type Embedder, IMAGES_PER_RUN, type UnitVector } from './model.ts';

/** Pictures that are decoded and in memory at once. */
const DECODED_AT_ONCE = 4;

export type EmbeddedPicture =
  | { readonly index: number; readonly vector: UnitVector }
  /** The picture could not be had; `error` is a sentence. */
  | { readonly index: number; readonly error: Error };

/** Embeds pictures 0 to count - 1, which `load` decodes, and yields them in that order. */
export async function* embedPictures(
  model: Embedder,
  count: number,
  load: (index: number) => Promise<RgbImage>,
): AsyncGenerator<EmbeddedPicture> {
  const { preprocessing } = model;
  const { width, height } = imageSize(preprocessing);
  const pixels = 3 * width * height;

  for (let first = 0; first < count; first += IMAGES_PER_RUN) {
    const indices = Array.from({ length: Math.min(IMAGES_PER_RUN, count - first) }, (_, i) => first + i);
    const failures = new Map<number, Error>();
    const rows: { index: number; values: Float32Array<ArrayBuffer> }[] = [];
    const waiting = indices.values();
    const worker = async () => {
      for (const index of waiting) {
        try {
          rows.push({ index, values: preprocess(await load(index), preprocessing) });
        } catch (error) {
          failures.set(index, error instanceof Error ? error : new Error(String(error)));
        }
      }
    };
    await Promise.all(Array.from({ length: DECODED_AT_ONCE }, worker));

    rows.sort((a, b) => a.index - b.index);
    const batch = new Float32Array(rows.length * pixels);
    for (const [i, { values }] of rows.entries()) batch.set(values, i * pixels);
    const vectors = (await model.embedPixelValues(batch, rows.length)).values();
    for (const index of indices) {
      const error = failures.get(index);
      const vector = error ? undefined : vectors.next().value;
      if (vector) yield { index, vector };
      else yield { index, error: error ?? new Error(`Picture ${index} was not encoded.`) };
    }
  }
}

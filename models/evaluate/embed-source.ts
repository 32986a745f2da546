import type { PairSource } from '../data/types.ts';
import { decodeImage } from '../files/decode-image.ts';
import type { Embedder, UnitVector } from '../inference/model.ts';
import { embedPictures } from '../inference/pictures.ts';

/** The vectors of all pictures of a source, in its order; rejects where one cannot be read. */
export async function embedSource(
  model: Embedder,
  source: PairSource,
  onProgress?: (done: number) => void,
): Promise<UnitVector[]> {
  const load = async (index: number) => {
    const { image, id } = await source.row(index);
    return decodeImage(image, id);
  };
  const vectors: UnitVector[] = [];
  for await (const picture of embedPictures(model, source.length, load)) {
    if ('error' in picture) throw picture.error;
    vectors.push(picture.vector);
    onProgress?.(vectors.length);
  }
  return vectors;
}

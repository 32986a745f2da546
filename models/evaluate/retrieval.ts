// Image-text retrieval as open_clip's training log and CLIP_benchmark define it: for each caption, is its picture among the
// first k pictures (image_retrieval_recall@k); for each picture, is any of its captions among the first k captions
// (text_retrieval_recall@k).

import { cosines, packVectors } from '../clip/ranking.ts';
import type { PairSource } from '../data/types.ts';
import type { Embedder, UnitVector } from '../inference/model.ts';
import { embedSource } from './embed-source.ts';
import { rankOf } from './rank.ts';

const KS = [1, 5, 10] as const;

type Recalls<Direction extends string> = {
  readonly [K in `${Direction}_retrieval_recall@${(typeof KS)[number]}`]: number;
};
export type RetrievalFigures = Recalls<'image'> & Recalls<'text'>;

export interface CaptionedFigures extends RetrievalFigures {
  /** Pictures. */
  readonly n: number;
  readonly captions: number;
  /** Captions that were longer than the context and lost their tail. */
  readonly truncated: number;
}

/** Retrieval over a whole source. Rejects with a sentence where a row has no caption or a picture cannot be read. */
export async function retrieval(
  model: Embedder,
  source: PairSource,
  { onProgress }: { readonly onProgress?: (done: number) => void } = {},
): Promise<CaptionedFigures> {
  const captions: string[] = [];
  const pictureOf: number[] = [];
  for (let index = 0; index < source.length; index++) {
    const row = source.text(index);
    if (row.captions.length === 0) {
      throw new Error(
        `${row.id} has no caption, so retrieval has nothing to find it by; use zero-shot for labels.`,
      );
    }
    for (const caption of row.captions) {
      captions.push(caption);
      pictureOf.push(index);
    }
  }
  const captionVectors = await model.embedTexts(captions);
  const images = await embedSource(model, source, onProgress);
  return {
    ...retrievalFigures(images, captionVectors, pictureOf),
    n: images.length,
    captions: captions.length,
    truncated: captions.filter((caption) => model.tokenizer.encode(caption).truncated).length,
  };
}

/** `pictureOf[t]` is the picture that caption t describes. Every picture has a caption at least. */
export function retrievalFigures(
  images: readonly UnitVector[],
  captions: readonly UnitVector[],
  pictureOf: readonly number[],
): RetrievalFigures {
  const packedImages = packVectors(images);
  const packedCaptions = packVectors(captions);
  const imageRanks = captions.map((caption, t) => rankOf(cosines(caption, packedImages), pictureOf[t]));
  const captionsOf: number[][] = images.map(() => []);
  for (const [t, picture] of pictureOf.entries()) captionsOf[picture].push(t);
  const textRanks = images.map((image, i) => {
    const scores = cosines(image, packedCaptions);
    return Math.min(...captionsOf[i].map((t) => rankOf(scores, t)));
  });
  return { ...recalls('image', imageRanks), ...recalls('text', textRanks) };
}

function recalls<Direction extends string>(
  direction: Direction,
  ranks: readonly number[],
): Recalls<Direction> {
  const share = (k: number) => ranks.filter((rank) => rank < k).length / ranks.length;
  return Object.fromEntries(
    KS.map((k) => [`${direction}_retrieval_recall@${k}`, share(k)]),
  ) as Recalls<Direction>;
}

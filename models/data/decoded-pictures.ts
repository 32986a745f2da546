/**
 * Pictures that were decoded once, for the epochs to come: to decode a photograph takes several times as long as to crop it, and a small
 * picture as long again. What does not fit is decoded anew each time.
 */
import { totalmem } from 'node:os';
import type { RgbImage } from '../clip/types.ts';

/** By what their rows are called: a row that is seen several times in an epoch is one picture. */
export interface DecodedPictures {
  get(id: string): RgbImage | undefined;
  keep(id: string, picture: RgbImage): void;
}

/** A quarter of the memory that this process may have: the rest is the training step's and everybody else's. */
const MOST_BYTES = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 4;

export function keepDecoded(mostBytes = MOST_BYTES): DecodedPictures {
  const pictures = new Map<string, RgbImage>();
  let bytes = 0;
  return {
    get: (id) => pictures.get(id),
    keep(id, picture) {
      if (pictures.has(id) || bytes + picture.data.length > mostBytes) return;
      bytes += picture.data.length;
      pictures.set(id, picture);
    },
  };
}

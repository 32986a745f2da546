// The pictures that a report shows with what the weights say of them, the same ones throughout a run: spread over the rows, and so over
// the data sets.

import type { PairSource } from '../../data/types.ts';
import { thumbnail } from '../../files/thumbnail.ts';

export interface SamplePicture {
  /** The row's. */
  readonly id: string;
  /** What it shows: its labels, or its caption. */
  readonly label: string;
  /** A small copy as a data: URL. */
  readonly url: string;
}

export interface Sample {
  readonly pictures: readonly SamplePicture[];
  /** Among how many labels or captions the weights rank for each. */
  readonly choices: number;
  readonly kind: 'labels' | 'captions';
}

const MOST_PICTURES = 16;

/** As a report shows them, sharp on a screen of two pixels a point. */
const SIDE = 192;

export function sampleRows(rows: PairSource): number[] {
  const count = Math.min(MOST_PICTURES, rows.length);
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * rows.length) / count));
}

export async function samplePictures(rows: PairSource): Promise<SamplePicture[]> {
  const pictures: SamplePicture[] = [];
  for (const index of sampleRows(rows)) {
    const { id, labels, image } = await rows.row(index);
    const bytes = await thumbnail(image, id, SIDE);
    const url = `data:image/webp;base64,${Buffer.from(bytes).toString('base64')}`;
    pictures.push({ id, label: labels.join('; '), url });
  }
  return pictures;
}

// Finds the pictures of one collection that equal or nearly equal a picture of another, so that nothing is trained on that the
// evaluation shows: also where one was shrunk, compressed anew, cropped to a less oblong shape or squashed to a square.
//
// A picture is known by two views, its centre square and the whole squashed to a square. Of each there is a difference hash
// (64 bits: is a place brighter than the one on its right, of 9 × 8 places) and a thumbnail of 4 × 4 colours. Two pictures are
// nearly equal where in some pair of views few bits differ and the colours are close.

import type { RgbImage } from '../clip/types.ts';

/** Bits of 64 that may differ. Shrinking and compressing change two or three; unrelated photographs differ in 32 ± 6. */
const MOST_BITS = 7;
/** Mean difference of the thumbnails' colours, of 255. Flat pictures have hashes that say little, and colours that do. */
const MOST_COLOUR = 14;

const COLUMNS = 9;
const ROWS = 8;
const COLOURS = 4;

export interface View {
  /** The hash's bits, 32 in each. */
  readonly high: number;
  readonly low: number;
  /** [4, 4, 3] */
  readonly colours: Uint8Array;
}

export type Fingerprint = readonly [square: View, squashed: View];

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export function fingerprint(picture: RgbImage): Fingerprint {
  const { width, height } = picture;
  const side = Math.min(width, height);
  const square = { left: (width - side) / 2, top: (height - side) / 2, width: side, height: side };
  return [view(picture, square), view(picture, { left: 0, top: 0, width, height })];
}

export function nearlyEqual(a: Fingerprint, b: Fingerprint): boolean {
  return a.some((one) => b.some((other) => close(one, other)));
}

/** The place of the first fingerprint in `known` that nearly equals `print`; -1 where there is none. */
export function findNear(known: readonly Fingerprint[], print: Fingerprint): number {
  return known.findIndex((each) => nearlyEqual(each, print));
}

function close(a: View, b: View): boolean {
  if (bits(a.high ^ b.high) + bits(a.low ^ b.low) > MOST_BITS) return false;
  let difference = 0;
  for (let i = 0; i < a.colours.length; i++) difference += Math.abs(a.colours[i] - b.colours[i]);
  return difference / a.colours.length <= MOST_COLOUR;
}

/** How many bits are set (Hacker's Delight, section 5-1). */
function bits(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return (((x + (x >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

function view(picture: RgbImage, box: Box): View {
  const places = means(picture, box, COLUMNS, ROWS);
  const luma = (place: number) =>
    0.299 * places[3 * place] + 0.587 * places[3 * place + 1] + 0.114 * places[3 * place + 2];
  const words = [0, 0];
  for (let row = 0; row < ROWS; row++)
    for (let column = 0; column < COLUMNS - 1; column++) {
      const place = row * COLUMNS + column;
      const word = row < ROWS / 2 ? 0 : 1;
      words[word] = (words[word] << 1) | Number(luma(place) > luma(place + 1));
    }
  const colours = Uint8Array.from(means(picture, box, COLOURS, COLOURS), Math.round);
  return { high: words[0], low: words[1], colours };
}

/** [rows, columns, 3]: mean colours of a grid of cells, each at least one pixel large. */
function means({ data, width, height }: RgbImage, box: Box, columns: number, rows: number): Float64Array {
  const result = new Float64Array(rows * columns * 3);
  const edges = (start: number, extent: number, cell: number, cells: number, length: number) => {
    const from = Math.min(length - 1, Math.floor(start + (extent * cell) / cells));
    const to = Math.min(length, Math.ceil(start + (extent * (cell + 1)) / cells));
    return [from, Math.max(from + 1, to)] as const;
  };
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = edges(box.top, box.height, row, rows, height);
    for (let column = 0; column < columns; column++) {
      const [left, right] = edges(box.left, box.width, column, columns, width);
      const at = 3 * (row * columns + column);
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++)
          for (let c = 0; c < 3; c++) result[at + c] += data[3 * (y * width + x) + c];
      const count = (bottom - top) * (right - left);
      for (let c = 0; c < 3; c++) result[at + c] /= count;
    }
  }
  return result;
}

// Pillow's resampling of 8-bit pictures, bit for bit: what CLIP was trained with, and what a browser's canvas is up to 160
// levels away from. Two passes, rows first, then columns; each output sample is a weighted sum of a span of input samples
// in fixed point, rounded and clipped to 8 bits after each pass.
//
// Shrinking widens the spans (antialiasing), so the first pass touches every source pixel many times: it reads only the
// columns and rows that the asked-for window of the result needs, and its loop is WebAssembly, six times as fast as the same
// in JavaScript.
//
// Source: Resample.c of Pillow 9.4; later releases shrink a picture over 100 times as tall as wide columns first, we do not.

import { kernel, layOut } from './resample-kernel.ts';
import { extent, type Filter, spans, tableOfQuads, tableOfWeights } from './resample-spans.ts';
import type { PixelSource, RgbImage } from './types.ts';

/** A rectangle of the resampled picture, in its pixels. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Rows that are asked of a PixelSource at once: about 1 MB of a 12-megapixel photograph, which a cache holds. */
const BAND_ROWS = 64;

/**
 * The picture at `width` × `height`, or only a window of that, 3 bytes a pixel. Equal to Pillow 9.4's
 * `Image.resize((width, height), BICUBIC | BILINEAR)` (and `crop` of it) in every byte.
 */
export function resample(
  image: RgbImage | PixelSource,
  width: number,
  height: number,
  filter: Filter,
  window: Window = { left: 0, top: 0, width, height },
): RgbImage {
  const columns = spans(image.width, width, filter, window.left, window.width);
  const rows = spans(image.height, height, filter, window.top, window.height);
  const { from: left, to: right } = extent(columns);
  const { from: top, to: bottom } = extent(rows);
  // Bytes of a row between the passes and after them: four a pixel, in whole steps of the second pass.
  const stride = 8 * Math.ceil(window.width / 2);
  const columnTable = tableOfQuads(columns);
  const rowTable = tableOfWeights(rows, stride);

  const { memory, ...loops } = kernel();
  const at = layOut(memory, {
    columnTable: columnTable.byteLength,
    rowTable: rowTable.byteLength,
    threes: 3 * (right - left),
    line: 4 * (right - left),
    narrowed: stride * (bottom - top),
    out: stride * window.height,
  });
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(new Uint8Array(columnTable.buffer), at.columnTable);
  bytes.set(new Uint8Array(rowTable.buffer), at.rowTable);

  let narrowed = at.narrowed;
  for (const band of bands(image, left, right, top, bottom)) {
    const { data, channels } = band.pixels;
    for (let y = band.first; y < band.end; y++) {
      const from = y * band.pixels.width + band.left;
      const line = data.subarray(from * channels, (from + right - left) * channels);
      bytes.set(line, channels === 4 ? at.line : at.threes);
      if (channels === 3) loops.expand(at.threes, at.line, right - left);
      loops.row(at.line, at.columnTable, window.width, narrowed);
      narrowed += stride;
    }
  }
  loops.columns(at.narrowed, stride, at.rowTable, window.height, at.out);
  const data = withoutFourth(bytes.subarray(at.out), stride, window);
  return { width: window.width, height: window.height, channels: 3, data };
}

/** The rows [first, end) of `pixels`, from the column `left` on. */
interface Band {
  readonly pixels: RgbImage;
  readonly left: number;
  readonly first: number;
  readonly end: number;
}

/** The part [left, right) × [top, bottom) of a picture, piece by piece from top to bottom. */
function* bands(
  image: RgbImage | PixelSource,
  left: number,
  right: number,
  top: number,
  bottom: number,
): Generator<Band> {
  if ('data' in image) {
    yield { pixels: image, left, first: top, end: bottom };
    return;
  }
  for (let y = top; y < bottom; y += BAND_ROWS) {
    const rows = Math.min(BAND_ROWS, bottom - y);
    yield { pixels: image.read(left, y, right - left, rows), left: 0, first: 0, end: rows };
  }
}

function withoutFourth(pixels: Uint8Array, stride: number, { width, height }: Window): Uint8Array {
  const data = new Uint8Array(3 * width * height);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    for (let from = row; from < row + 4 * width; from += 4) {
      data[to] = pixels[from];
      data[to + 1] = pixels[from + 1];
      data[to + 2] = pixels[from + 2];
      to += 3;
    }
  }
  return data;
}

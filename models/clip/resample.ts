// Pillow's resampling of 8-bit pictures, bit for bit: what CLIP was trained with, and what a browser's canvas is up to 160
// levels away from. Two passes, rows first, then columns; each output sample is a weighted sum of a span of input samples
// in fixed point, rounded and clipped to 8 bits after each pass.
//
// Shrinking widens the kernel (antialiasing), so the first pass touches every source pixel many times: it reads only the
// columns and rows that the asked-for window of the result needs, and takes a pixel as one 32-bit word.
//
// Source: Resample.c of Pillow 9.4; later releases shrink a picture over 100 times as tall as wide columns first, we do not.

import type { PixelSource, Preprocessing, RgbImage } from './types.ts';

export type Filter = Preprocessing['resample'];

/** A rectangle of the resampled picture, in its pixels. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Pillow's fixed point: 8 bits of sample and 2 of headroom for kernels with negative lobes, in 32. */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/** Rows that are asked of a PixelSource at once: about 1 MB of a 12-megapixel photograph, which a cache holds. */
const BAND_ROWS = 64;

/**
 * The picture at `width` × `height`, or only a window of that, 3 bytes a pixel. Equal to Pillow's
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
  const narrowed = resampleRows(image, columns, rows.first, rows.end);
  const data = resampleColumns(narrowed, 3 * window.width, rows);
  return { width: window.width, height: window.height, channels: 3, data };
}

/** For each output sample of one axis: which input samples it sums up, with which weights. */
interface Spans {
  /** All input samples that any output sample needs: [first, end). */
  readonly first: number;
  readonly end: number;
  readonly start: Int32Array;
  readonly length: Int32Array;
  /** [count, stride] in fixed point; a row's tail beyond `length` is unused. */
  readonly weights: Int32Array;
  readonly stride: number;
}

const KERNELS = {
  bilinear: { support: 1, at: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at: cubic },
} satisfies Record<Filter, { support: number; at(x: number): number }>;

/** Keys' cubic convolution with a = -0.5. The order of the operations is Pillow's, since the last bit counts. */
function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}

/** Spans of the `count` output samples from `offset` on, where `inputSize` samples become `outputSize`. */
function spans(inputSize: number, outputSize: number, filter: Filter, offset: number, count: number): Spans {
  const kernel = KERNELS[filter];
  const scale = inputSize / outputSize;
  const widening = Math.max(1, scale);
  const narrowing = 1 / widening;
  const support = kernel.support * widening;
  const stride = Math.min(inputSize, Math.ceil(support) * 2 + 1);
  const start = new Int32Array(count);
  const length = new Int32Array(count);
  const weights = new Int32Array(count * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < count; i++) {
    const center = (offset + i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support + 0.5));
    const to = Math.min(inputSize, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let x = from; x < to; x++) {
      const weight = kernel.at((x - center + 0.5) * narrowing);
      exact[x - from] = weight;
      sum += weight;
    }
    for (let k = 0; k < to - from; k++) {
      const weight = (exact[k] / sum) * (1 << PRECISION_BITS);
      weights[i * stride + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    start[i] = from;
    length[i] = to - from;
  }
  return { first: start[0], end: start[count - 1] + length[count - 1], start, length, weights, stride };
}

/** Source rows [top, end), each as wide as `columns` has spans: interleaved RGB. */
function resampleRows(
  image: RgbImage | PixelSource,
  columns: Spans,
  top: number,
  end: number,
): Uint8ClampedArray {
  const width = 3 * columns.start.length;
  const out = new Uint8ClampedArray(width * (end - top));
  const line = new Int32Array(columns.end - columns.first);
  for (const band of bands(image, columns.first, columns.end, top, end)) {
    const words = band.pixels.channels === 4 ? asWords(band.pixels.data) : null;
    for (let y = band.top; y < band.end; y++) {
      // Index in `pixels` of the pixel (0, y) of the whole picture, which may lie before the band's own first pixel.
      const base = (y - band.y0) * band.pixels.width - band.x0;
      const at = (y - top) * width;
      if (words) {
        resampleRow(words, base, columns, out, at);
      } else {
        packLine(band.pixels.data, 3 * (base + columns.first), line);
        resampleRow(line, -columns.first, columns, out, at);
      }
    }
  }
  return out;
}

/** Pixels whose upper left one is (x0, y0) of the picture, to be used for the rows [top, end). */
interface Band {
  readonly pixels: RgbImage;
  readonly x0: number;
  readonly y0: number;
  readonly top: number;
  readonly end: number;
}

function* bands(
  image: RgbImage | PixelSource,
  left: number,
  right: number,
  top: number,
  end: number,
): Generator<Band> {
  if ('data' in image) {
    yield { pixels: image, x0: 0, y0: 0, top, end };
    return;
  }
  for (let y = top; y < end; y += BAND_ROWS) {
    const rows = Math.min(BAND_ROWS, end - y);
    yield { pixels: image.read(left, y, right - left, rows), x0: left, y0: y, top: y, end: y + rows };
  }
}

/** Four bytes a pixel as one word each, red lowest: every machine that runs WebAssembly is little-endian. */
function asWords(data: RgbImage['data']): Int32Array {
  const aligned = data.byteOffset % 4 === 0 ? data : data.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}

/** Three bytes a pixel into words as `asWords` gives them; fills `line`. */
function packLine(data: RgbImage['data'], from: number, line: Int32Array): void {
  let p = from;
  for (let x = 0; x < line.length; x++) {
    line[x] = data[p] | (data[p + 1] << 8) | (data[p + 2] << 16);
    p += 3;
  }
}

/**
 * One output row, from `at` on. The picture's pixel x is `words[base + x]`. Nearly all time of preprocessing is spent in
 * the inner loop; two samples a turn are a tenth faster than one.
 */
function resampleRow(
  words: Int32Array,
  base: number,
  columns: Spans,
  out: Uint8ClampedArray,
  at: number,
): void {
  const { start, length, weights, stride } = columns;
  let o = at;
  for (let i = 0; i < start.length; i++) {
    let p = base + start[i];
    let k = i * stride;
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    const end = k + length[i];
    if ((length[i] & 1) === 1) {
      const weight = weights[k];
      const word = words[p];
      red = (red + Math.imul(word & 255, weight)) | 0;
      green = (green + Math.imul((word >> 8) & 255, weight)) | 0;
      blue = (blue + Math.imul((word >> 16) & 255, weight)) | 0;
      k++;
      p++;
    }
    while (k < end) {
      const weight = weights[k];
      const word = words[p];
      const nextWeight = weights[k + 1];
      const nextWord = words[p + 1];
      red = (red + Math.imul(word & 255, weight) + Math.imul(nextWord & 255, nextWeight)) | 0;
      green =
        (green + Math.imul((word >> 8) & 255, weight) + Math.imul((nextWord >> 8) & 255, nextWeight)) | 0;
      blue =
        (blue + Math.imul((word >> 16) & 255, weight) + Math.imul((nextWord >> 16) & 255, nextWeight)) | 0;
      k += 2;
      p += 2;
    }
    out[o] = red >> PRECISION_BITS;
    out[o + 1] = green >> PRECISION_BITS;
    out[o + 2] = blue >> PRECISION_BITS;
    o += 3;
  }
}

/** `samples` rows of `width` bytes, the first of them being source row `rows.first`, as one row for each span. */
function resampleColumns(samples: Uint8ClampedArray, width: number, rows: Spans): Uint8ClampedArray {
  const { first, start, length, weights, stride } = rows;
  const out = new Uint8ClampedArray(width * start.length);
  const sums = new Int32Array(width);
  for (let i = 0; i < start.length; i++) {
    sums.fill(HALF);
    for (let k = 0; k < length[i]; k++) {
      const weight = weights[i * stride + k];
      const row = (start[i] - first + k) * width;
      for (let x = 0; x < width; x++) sums[x] += Math.imul(samples[row + x], weight);
    }
    const at = i * width;
    for (let x = 0; x < width; x++) out[at + x] = sums[x] >> PRECISION_BITS;
  }
  return out;
}

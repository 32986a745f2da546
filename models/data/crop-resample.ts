/**
 * Cuts a crop out of a picture and scales it to the network's square in one step, at fractions of pixels and in floats.
 * Bicubic with a = -0.5, widened where it shrinks: the filter that pictures meet at inference (Pillow's BICUBIC with a
 * box). Written here because a picture of a few thousand pixels is scaled sooner than a pipeline for it is set up.
 */
import type { RgbImage } from '../clip/types.ts';
import type { Crop } from './crop.ts';

/** Which source pixels make an output pixel: `taps` of them from `first[i]` on, `weights[i * taps …]` adding up to 1. */
interface Filter {
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

/** Keys' cubic convolution kernel with a = -0.5. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

/** Scales [start, start + extent) of a line of `length` pixels to `size` pixels; beyond the line's ends there is nothing. */
function cubicFilter(length: number, start: number, extent: number, size: number): Filter {
  const scale = extent / size;
  const widened = Math.max(1, scale);
  const taps = Math.min(length, Math.ceil(4 * widened) + 1);
  const first = new Int32Array(size);
  const weights = new Float32Array(size * taps);
  for (let i = 0; i < size; i++) {
    const center = start + (i + 0.5) * scale;
    first[i] = Math.max(0, Math.min(length - taps, Math.ceil(center - 2 * widened - 0.5)));
    let sum = 0;
    for (let k = 0; k < taps; k++)
      sum += weights[i * taps + k] = cubic((first[i] + k + 0.5 - center) / widened);
    for (let k = 0; k < taps; k++) weights[i * taps + k] /= sum;
  }
  return { taps, first, weights };
}

/** `data` is [height, width, 3]; `planes` receives [3, size, size], each value from 0 to 255. */
export function cropTo(
  { data, width, height }: Pick<RgbImage, 'data' | 'width' | 'height'>,
  crop: Crop,
  size: number,
  planes: Float32Array,
): void {
  const columns = cubicFilter(width, crop.left, crop.width, size);
  const rows = cubicFilter(height, crop.top, crop.height, size);
  const top = rows.first[0];
  const bottom = rows.first[size - 1] + rows.taps;

  // [bottom - top, 3, size]: each source row that the crop touches, scaled to the width.
  const lines = new Float32Array((bottom - top) * 3 * size);
  for (let y = top; y < bottom; y++)
    for (let x = 0; x < size; x++) {
      let r = 0;
      let g = 0;
      let b = 0;
      let at = 3 * (y * width + columns.first[x]);
      for (let k = x * columns.taps; k < (x + 1) * columns.taps; k++, at += 3) {
        const weight = columns.weights[k];
        r += weight * data[at];
        g += weight * data[at + 1];
        b += weight * data[at + 2];
      }
      const line = (y - top) * 3 * size + (crop.flip ? size - 1 - x : x);
      lines[line] = r;
      lines[line + size] = g;
      lines[line + 2 * size] = b;
    }

  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < size; y++) {
      const out = planes.subarray((channel * size + y) * size, (channel * size + y + 1) * size);
      out.fill(0);
      for (let k = 0; k < rows.taps; k++) {
        const weight = rows.weights[y * rows.taps + k];
        const line = ((rows.first[y] - top + k) * 3 + channel) * size;
        for (let x = 0; x < size; x++) out[x] += weight * lines[line + x];
      }
      // Cubic filters overshoot at edges; a picture has no value beyond black and white.
      for (let x = 0; x < size; x++) out[x] = Math.min(255, Math.max(0, out[x]));
    }
}

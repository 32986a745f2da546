// Which input samples each output sample of one axis sums up, with which weights, and these as the tables that the loops of
// resample.wat read. The arithmetic is Pillow's in its order (float64, then fixed point), since the last bit counts.

import type { Preprocessing } from './types.ts';

export type Filter = Preprocessing['resample'];

/** An output sample is the sum of `weights[k] * input[start + k]`, in steps of 2^-22. */
export interface Span {
  readonly start: number;
  /** Whole numbers of 23 bits and a sign. */
  readonly weights: readonly number[];
}

/** Pillow's fixed point: of 32 bits, 8 are the sample and 2 headroom for filters with negative lobes. */
const PRECISION_BITS = 32 - 8 - 2;
/** resample.wat multiplies by 16 signed bits at a time: the low 15 of a weight, then the others. */
const LOW_BITS = 15;
const LOW_MASK = (1 << LOW_BITS) - 1;

const FILTERS = {
  bilinear: { support: 1, at: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at: cubic },
} satisfies Record<Filter, { support: number; at(x: number): number }>;

/** Keys' cubic convolution with a = -0.5. */
function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}

/** Spans of the `count` output samples from `first` on, where `inputSize` samples become `outputSize`. */
export function spans(
  inputSize: number,
  outputSize: number,
  filter: Filter,
  first: number,
  count: number,
): Span[] {
  return Array.from({ length: count }, (_, i) => span(inputSize, inputSize / outputSize, filter, first + i));
}

/** `scale` input samples an output sample; where it is over 1, the filter is as much wider. */
function span(inputSize: number, scale: number, filter: Filter, output: number): Span {
  const { support, at } = FILTERS[filter];
  const widening = Math.max(1, scale);
  const narrowing = 1 / widening;
  const center = (output + 0.5) * scale;
  const start = Math.max(0, Math.trunc(center - support * widening + 0.5));
  const end = Math.min(inputSize, Math.trunc(center + support * widening + 0.5));
  const exact = Array.from({ length: end - start }, (_, k) => at((k + start - center + 0.5) * narrowing));
  const sum = exact.reduce((total, weight) => total + weight, 0);
  return { start, weights: exact.map((weight) => toFixedPoint(weight / sum)) };
}

function toFixedPoint(weight: number): number {
  const scaled = weight * (1 << PRECISION_BITS);
  return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/** Input samples that any of the spans needs: [from, to). */
export function extent(axis: readonly Span[]): { from: number; to: number } {
  const last = axis[axis.length - 1];
  return { from: axis[0].start, to: last.start + last.weights.length };
}

/** For the first pass: entries of byte offset, entry's bytes, and weights four at a time, filled up with zeros. */
export function tableOfQuads(axis: readonly Span[]): Int32Array<ArrayBuffer> {
  const { from } = extent(axis);
  const table: number[] = [];
  for (const { start, weights } of axis) {
    const quads = Math.ceil(weights.length / 4);
    table.push(4 * (start - from), 8 + 16 * quads);
    for (let k = 0; k < 4 * quads; k += 2) {
      const [a = 0, b = 0] = [weights[k], weights[k + 1]];
      table.push(pair(a & LOW_MASK, b & LOW_MASK), pair(a >> LOW_BITS, b >> LOW_BITS));
    }
  }
  return Int32Array.from(table);
}

/** For the second pass, whose samples lie `stride` bytes apart: entries of byte offset, entry's bytes, weights. */
export function tableOfWeights(axis: readonly Span[], stride: number): Int32Array<ArrayBuffer> {
  const { from } = extent(axis);
  return Int32Array.from(
    axis.flatMap(({ start, weights }) => [stride * (start - from), 8 + 4 * weights.length, ...weights]),
  );
}

function pair(first: number, second: number): number {
  return (first & 0xffff) | (second << 16);
}

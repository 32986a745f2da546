// The two halves of a convolution's gradient rule: what its input and its weight get, each in the form that the target's kernels are
// fastest with (CONTRIBUTING.md has what was tried).

import type { Graph, Value } from './graph.ts';
import {
  concat,
  conv,
  convTranspose,
  gemm,
  matMul,
  pad,
  type Range,
  reduceSum,
  reshape,
  slice,
  spaceToDepth,
  transpose,
  transposeLast,
} from './operators.ts';
import { knownLengths, lengthAt, productOf } from './shapes.ts';

/** A convolution with the adjoint of its result. */
export interface Convolution {
  readonly g: Graph;
  readonly adjoint: Value;
  readonly x: Value;
  readonly weight: Value;
  readonly stride: number;
  readonly padding: number;
}

/** With stride 1 a convolution with the flipped kernel is 1.3 to 1.7 times faster than ConvTranspose. */
export function convInputAdjoint({ g, adjoint, x, weight, stride, padding }: Convolution): Value {
  const size: [number, number] = [lengthAt(x.shape, 2), lengthAt(x.shape, 3)];
  if (stride > 1) return convTranspose(g, adjoint, weight, { stride, padding, size });
  const kernel = lengthAt(weight.shape, 2);
  const flipped = g.add(
    'Slice',
    [
      transpose(g, weight, [1, 0, 2, 3]),
      g.integers([-1, -1]),
      g.integers([-kernel - 1, -kernel - 1]),
      g.integers([2, 3]),
      g.integers([-1, -1]),
    ],
    [{ type: 'float32', shape: [weight.shape[1], weight.shape[0], kernel, kernel] }],
  ).outputs[0];
  return conv(g, adjoint, flipped, { stride: 1, padding: kernel - 1 - padding });
}

export function convWeightAdjoint(convolution: Convolution): Value {
  return convolution.g.target === 'gpu'
    ? convWeightAdjointByPicture(convolution)
    : convWeightAdjointByTap(convolution);
}

/** One matrix product per tap of the kernel: 1.1 to 2 times faster on a CPU than a convolution of x with dy. */
function convWeightAdjointByTap(convolution: Convolution): Value {
  const { g, adjoint, x, weight } = convolution;
  const [out, channels, kernel] = knownLengths(weight.shape);
  const flat = (value: Value, rows: number) => reshape(g, value, [rows, productOf(value.shape.slice(1))]);
  const dy = flat(transpose(g, adjoint, [1, 0, 2, 3]), out);
  const products = tapsOf(transpose(g, x, [1, 0, 2, 3]), convolution).map((seen) =>
    gemm(g, dy, flat(seen, channels), { transB: 1 }),
  );
  if (products.length === 1) return reshape(g, products[0], weight.shape);
  const stacked = reshape(g, concat(g, products, 0), [kernel, kernel, out, channels]);
  return transpose(g, stacked, [2, 3, 0, 1]);
}

/** One matrix product per picture over all taps, which are then added up: enough workgroups to fill a GPU. */
function convWeightAdjointByPicture(convolution: Convolution): Value {
  const { g, adjoint, x, weight } = convolution;
  const [out, channels, kernel] = knownLengths(weight.shape);
  const [batch, , height, width] = knownLengths(adjoint.shape);
  const seen = concat(g, tapsOf(x, convolution), 1);
  const columns = reshape(g, seen, [batch, kernel * kernel * channels, height * width]);
  const dy = reshape(g, adjoint, [batch, out, height * width]);
  const sum = reduceSum(g, matMul(g, columns, transposeLast(g, dy)), [0], false);
  return transpose(g, reshape(g, sum, [kernel, kernel, channels, out]), [3, 2, 0, 1]);
}

/** What each tap of the kernel sees of x [·, ·, h, w], row by row. */
function tapsOf(x: Value, { g, adjoint, weight, stride, padding }: Convolution): Value[] {
  const kernel = lengthAt(weight.shape, 2);
  const [height, width] = [lengthAt(adjoint.shape, 2), lengthAt(adjoint.shape, 3)];
  // A CPU slices with steps element by element; where what a tap sees lies together, row by row.
  const block = g.target === 'cpu' ? stride : 1;
  const step = stride / block;
  const place = (row: number, column: number): Range[] => {
    if (block === 1) return [];
    const channels = lengthAt(x.shape, 1);
    const start = ((row % block) * block + (column % block)) * channels;
    return [{ axis: 1, start, end: start + channels }];
  };
  const blocks = inBlocks(g, x, padding, block);
  const taps: Value[] = [];
  for (let row = 0; row < kernel; row++) {
    for (let column = 0; column < kernel; column++) {
      const [top, left] = [Math.floor(row / block), Math.floor(column / block)];
      taps.push(
        slice(g, blocks, [
          ...place(row, column),
          { axis: 2, start: top, end: top + step * (height - 1) + 1, step },
          { axis: 3, start: left, end: left + step * (width - 1) + 1, step },
        ]),
      );
    }
  }
  return taps;
}

/** x with zeros around it, its squares of `block` × `block` pixels as channels: `spaceToDepth`. */
function inBlocks(g: Graph, x: Value, padding: number, block: number): Value {
  const before = [0, 0, padding, padding];
  const missing = (axis: number) => (block - ((lengthAt(x.shape, axis) + 2 * padding) % block)) % block;
  const after = [0, 0, padding + missing(2), padding + missing(3)];
  const padded = before.concat(after).some((edge) => edge > 0) ? pad(g, x, before, after) : x;
  return block > 1 ? spaceToDepth(g, padded, block) : padded;
}

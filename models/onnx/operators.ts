// The forward half of each operator: adds one ONNX node (opset 20) and works out its result's shape. Names and semantics are
// ONNX's; where a function takes plain numbers, ONNX takes them as attributes or as constant inputs. gradient-rules.ts
// holds the reverse half.

import type { DataType, Graph, Value } from './graph.ts';
import {
  broadcast,
  type Dim,
  knownLengths,
  lengthAt,
  partsAt,
  positiveAxis,
  productOf,
  type Shape,
  sameShape,
} from './shapes.ts';

export const OPSET = 20;

/** In the place of an optional operand that is left out, before one that is not: ONNX has the empty name stand for it. */
export const OMITTED: Value = { name: '', type: 'float32', shape: [] };

/** One result with the first operand's type and the broadcast shape. */
function elementwise(g: Graph, op: string, a: Value, b: Value, type: DataType = a.type): Value {
  if (a.type !== b.type) throw new Error(`${op} of ${a.type} and ${b.type}: both must be of one type.`);
  return g.add(op, [a, b], [{ type, shape: broadcast(a.shape, b.shape) }]).outputs[0];
}

function unary(g: Graph, op: string, x: Value, attributes = {}): Value {
  return g.add(op, [x], [x], attributes).outputs[0];
}

export const add = (g: Graph, a: Value, b: Value) => elementwise(g, 'Add', a, b);
export const sub = (g: Graph, a: Value, b: Value) => elementwise(g, 'Sub', a, b);
export const mul = (g: Graph, a: Value, b: Value) => elementwise(g, 'Mul', a, b);
export const div = (g: Graph, a: Value, b: Value) => elementwise(g, 'Div', a, b);
export const min = (g: Graph, a: Value, b: Value) => elementwise(g, 'Min', a, b);
export const equal = (g: Graph, a: Value, b: Value) => elementwise(g, 'Equal', a, b, 'bool');
export const greater = (g: Graph, a: Value, b: Value) => elementwise(g, 'Greater', a, b, 'bool');

export const exp = (g: Graph, x: Value) => unary(g, 'Exp', x);
export const log = (g: Graph, x: Value) => unary(g, 'Log', x);
export const abs = (g: Graph, x: Value) => unary(g, 'Abs', x);
export const neg = (g: Graph, x: Value) => unary(g, 'Neg', x);
export const sqrt = (g: Graph, x: Value) => unary(g, 'Sqrt', x);
export const sigmoid = (g: Graph, x: Value) => unary(g, 'Sigmoid', x);
export const erf = (g: Graph, x: Value) => unary(g, 'Erf', x);
export const relu = (g: Graph, x: Value) => unary(g, 'Relu', x);
/** ln(1 + e^x) */
export const softplus = (g: Graph, x: Value) => unary(g, 'Softplus', x);
export const softmax = (g: Graph, x: Value, axis = -1) => unary(g, 'Softmax', x, { axis });
export const logSoftmax = (g: Graph, x: Value, axis = -1) => unary(g, 'LogSoftmax', x, { axis });

export function cast(g: Graph, x: Value, type: DataType): Value {
  return g.add('Cast', [x], [{ type, shape: x.shape }], { to: ONNX_TYPES[type] }).outputs[0];
}

/** TensorProto.DataType in the ONNX schema. */
export const ONNX_TYPES: Record<DataType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
};

/** [..., n, k] × [..., k, m] → [..., n, m]; leading axes broadcast. */
export function matMul(g: Graph, a: Value, b: Value): Value {
  const [n, k] = a.shape.slice(-2);
  const [rows, m] = b.shape.slice(-2);
  if (k !== rows)
    throw new Error(`MatMul of [${a.shape.join(', ')}] and [${b.shape.join(', ')}]: ${k} is not ${rows}.`);
  const shape = [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)), n, m];
  if (g.target === 'gpu' && a.shape.length > 2 && b.shape.length === 2) {
    // One tall product: by itself each matrix of the batch is rounded up to whole tiles of 32 rows, 33 tokens to 64.
    return reshape(g, matMul(g, flattenToMatrix(g, a), b), shape);
  }
  return g.add('MatMul', [a, b], [{ type: 'float32', shape }]).outputs[0];
}

/** op(a) × op(b) · alpha of two matrices, where op may transpose. */
export function gemm(g: Graph, a: Value, b: Value, { transA = 0, transB = 0, alpha = 1 } = {}): Value {
  const [n, k] = transA ? [a.shape[1], a.shape[0]] : a.shape;
  const [rows, m] = transB ? [b.shape[1], b.shape[0]] : b.shape;
  if (k !== rows)
    throw new Error(`Gemm of [${a.shape.join(', ')}] and [${b.shape.join(', ')}]: ${k} is not ${rows}.`);
  const attributes = { transA, transB, alpha: { float: alpha } };
  return g.add('Gemm', [a, b], [{ type: 'float32', shape: [n, m] }], attributes).outputs[0];
}

/**
 * op(a) × op(b) · alpha of matrices along the last two axes, where op may transpose; as many of both, or of a alone and neither
 * transposed. ONNX Runtime's own operator.
 */
export function fusedMatMul(
  g: Graph,
  a: Value,
  b: Value,
  { transA = 0, transB = 0, alpha = 1 }: { transA?: 0 | 1; transB?: 0 | 1; alpha?: number },
): Value {
  const [n, k] = transA ? a.shape.slice(-2).reverse() : a.shape.slice(-2);
  const [rows, m] = transB ? b.shape.slice(-2).reverse() : b.shape.slice(-2);
  const isShared = b.shape.length === 2 && !transA && !transB;
  if (k !== rows || !(isShared || sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2)))) {
    throw new Error(
      `FusedMatMul of [${a.shape.join(', ')}] and [${b.shape.join(', ')}] with transA ${transA} and transB ${transB}.`,
    );
  }
  const shape = [...a.shape.slice(0, -2), n, m];
  const attributes = { transA, transB, alpha: { float: alpha } };
  return g.add('FusedMatMul', [a, b], [{ type: 'float32', shape }], attributes).outputs[0];
}

/** x·σ(x), by ONNX Runtime's own operator, whose factor of x is 1 here. */
export function silu(g: Graph, x: Value): Value {
  return g.add('QuickGelu', [x], [{ type: 'float32', shape: x.shape }], { alpha: { float: 1 } }).outputs[0];
}

/**
 * A new shape for the same elements. An axis that keeps its place and its symbolic length is copied from the input; one more
 * axis may follow from the others.
 */
export function reshape(g: Graph, x: Value, shape: Shape): Value {
  if (productOf(shape) !== productOf(x.shape)) {
    throw new Error(
      `Reshape of [${x.shape.join(', ')}] to [${shape.join(', ')}] changes the number of elements.`,
    );
  }
  let inferred = false;
  const target = shape.map((dim, axis) => {
    if (typeof dim === 'number') return dim;
    if (x.shape[axis] === dim) return 0;
    if (inferred) {
      throw new Error(`Reshape of [${x.shape.join(', ')}] to [${shape.join(', ')}] leaves two lengths open.`);
    }
    inferred = true;
    return -1;
  });
  return g.add('Reshape', [x, g.integers(target)], [{ type: x.type, shape }]).outputs[0];
}

/** [..., d] → [product, d]. */
export function flattenToMatrix(g: Graph, x: Value): Value {
  if (x.shape.length === 2) return x;
  const last = x.shape[x.shape.length - 1];
  return reshape(g, x, [productOf(x.shape.slice(0, -1)), last]);
}

export function transpose(g: Graph, x: Value, perm: readonly number[]): Value {
  return g.add('Transpose', [x], [{ type: x.type, shape: perm.map((axis) => x.shape[axis]) }], { perm })
    .outputs[0];
}

/** Swaps the last two axes. */
export function transposeLast(g: Graph, x: Value): Value {
  const rank = x.shape.length;
  const perm = x.shape.map((_, axis) => axis);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  return transpose(g, x, perm);
}

/** [n, c, h, w] → [n, block · block · c, h / block, w / block]: by row and column in the square, then by channel. */
export function spaceToDepth(g: Graph, x: Value, block: number): Value {
  const [n] = x.shape;
  const shape = [
    n,
    block * block * lengthAt(x.shape, 1),
    partsAt(x.shape, 2, block),
    partsAt(x.shape, 3, block),
  ];
  return g.add('SpaceToDepth', [x], [{ type: x.type, shape }], { blocksize: block }).outputs[0];
}

export function concat(g: Graph, parts: readonly Value[], axis: number): Value {
  const [first] = parts;
  const besides = ({ shape }: Value) => shape.filter((_, i) => i !== axis);
  for (const part of parts) {
    if (part.type === first.type && sameShape(besides(part), besides(first))) continue;
    throw new Error(
      `Concat of ${first.type} [${first.shape.join(', ')}] and ${part.type} [${part.shape.join(', ')}]: all but axis ${axis} must be equal.`,
    );
  }
  const total = parts.reduce((sum, part) => sum + lengthAt(part.shape, axis), 0);
  const shape = first.shape.map((dim, i) => (i === axis ? total : dim));
  return g.add('Concat', parts, [{ type: first.type, shape }], { axis }).outputs[0];
}

function reduce(g: Graph, op: string, x: Value, axes: readonly number[], keepdims: boolean): Value {
  const dropped = new Set(axes.map((axis) => positiveAxis(axis, x.shape.length)));
  const shape = x.shape.flatMap((dim, axis) => (dropped.has(axis) ? (keepdims ? [1] : []) : [dim]));
  return g.add(op, [x, g.integers(axes)], [{ type: x.type, shape }], { keepdims: Number(keepdims) })
    .outputs[0];
}

export const reduceSum = (g: Graph, x: Value, axes: readonly number[], keepdims = true) =>
  reduce(g, 'ReduceSum', x, axes, keepdims);
export const reduceMax = (g: Graph, x: Value, axes: readonly number[], keepdims = true) =>
  reduce(g, 'ReduceMax', x, axes, keepdims);
export const reduceMean = (g: Graph, x: Value, axes: readonly number[], keepdims = true) =>
  reduce(g, 'ReduceMean', x, axes, keepdims);

/** Repeats x along its axes of length one. */
export function expand(g: Graph, x: Value, shape: readonly number[]): Value {
  return g.add('Expand', [x, g.integers(shape)], [{ type: x.type, shape }]).outputs[0];
}

/** Zeros before and after along each axis. */
export function pad(g: Graph, x: Value, before: readonly number[], after: readonly number[]): Value {
  const shape = x.shape.map((dim, axis) => {
    const extra = before[axis] + after[axis];
    if (extra === 0) return dim;
    if (typeof dim === 'string') throw new Error(`Pad along the symbolic axis ${dim}.`);
    return dim + extra;
  });
  return g.add('Pad', [x, g.integers([...before, ...after])], [{ type: x.type, shape }]).outputs[0];
}

export interface Range {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step?: number;
}

/** The part of x that lies in each range, end excluded. */
export function slice(g: Graph, x: Value, ranges: readonly Range[]): Value {
  const shape = [...x.shape];
  for (const { axis, start, end, step = 1 } of ranges) {
    if (!(0 <= start && start <= end && end <= lengthAt(x.shape, axis))) {
      throw new Error(
        `Slice of [${x.shape.join(', ')}] along axis ${axis} cannot go from ${start} to ${end}.`,
      );
    }
    shape[axis] = Math.ceil((end - start) / step);
  }
  const inputs = [
    x,
    g.integers(ranges.map(({ start }) => start)),
    g.integers(ranges.map(({ end }) => end)),
    g.integers(ranges.map(({ axis }) => axis)),
    g.integers(ranges.map(({ step = 1 }) => step)),
  ];
  return g.add('Slice', inputs, [{ type: x.type, shape }]).outputs[0];
}

/** The length of one axis as an int64 vector of one element, for `sliceTo`. */
export function lengthOf(g: Graph, x: Value, axis: number): Value {
  return g.add('Shape', [x], [{ type: 'int64', shape: [1] }], { start: axis, end: axis + 1 }).outputs[0];
}

/** The first `length` rows along an axis, where the length is known only when the graph runs and is named `dim`. */
export function sliceTo(g: Graph, x: Value, axis: number, length: Value, dim: Dim): Value {
  const shape = x.shape.map((old, i) => (i === axis ? dim : old));
  const inputs = [x, g.integers([0]), length, g.integers([axis])];
  return g.add('Slice', inputs, [{ type: x.type, shape }]).outputs[0];
}

/** Rows of `table` [n, ...] at int64 `indices`: [...indices, ...row]. */
export function gather(g: Graph, table: Value, indices: Value): Value {
  const shape = [...indices.shape, ...table.shape.slice(1)];
  return g.add('Gather', [table, indices], [{ type: table.type, shape }], { axis: 0 }).outputs[0];
}

/** The position of the first largest element along an axis, which is kept with length 1. */
export function argMax(g: Graph, x: Value, axis: number): Value {
  const shape = x.shape.map((dim, i) => (i === axis ? 1 : dim));
  return g.add('ArgMax', [x], [{ type: 'int64', shape }], { axis, keepdims: 1 }).outputs[0];
}

/** Over the last axis: (x - mean) / sqrt(var + epsilon) · gain + bias. */
export function layerNormalization(g: Graph, x: Value, gain: Value, bias: Value, epsilon: number): Value {
  return g.add('LayerNormalization', [x, gain, bias], [x], { axis: -1, epsilon: { float: epsilon } })
    .outputs[0];
}

export interface ChannelStatistics {
  readonly gain: Value;
  readonly bias: Value;
  /** Over batch, height and width of the very x that is normalised; its gradient counts on it. */
  readonly mean: Value;
  readonly variance: Value;
}

/** x [b, c, h, w] with its own statistics, all [c]: (x - mean) / sqrt(variance + epsilon) · gain + bias. */
export function batchNormalization(
  g: Graph,
  x: Value,
  { gain, bias, mean, variance }: ChannelStatistics,
  epsilon: number,
): Value {
  const inputs = [x, gain, bias, mean, variance];
  return g.add('BatchNormalization', inputs, [x], { epsilon: { float: epsilon } }).outputs[0];
}

/** [b, c, h, w] → [b, c, h / size, w / size]: means of squares. */
export function averagePool(g: Graph, x: Value, size: number): Value {
  const [batch, channels] = x.shape;
  const shape = [batch, channels, partsAt(x.shape, 2, size), partsAt(x.shape, 3, size)];
  return g.add('AveragePool', [x], [{ type: 'float32', shape }], {
    kernel_shape: [size, size],
    strides: [size, size],
  }).outputs[0];
}

/** [b, c, h, w] → [b, c, h · size, w · size]: each pixel as a square. On a CPU over five times as fast as Expand of an axis of length 1. */
export function repeatPixels(g: Graph, x: Value, size: number): Value {
  const [batch, channels] = x.shape;
  const shape = [batch, channels, lengthAt(x.shape, 2) * size, lengthAt(x.shape, 3) * size];
  const inputs = [x, OMITTED, g.floats([1, 1, size, size])];
  return g.add('Resize', inputs, [{ type: 'float32', shape }], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  }).outputs[0];
}

/** x [batch, in, h, w], weight [out, in, k, k] → [batch, out, h', w'] with the same padding on all sides. */
export function conv(
  g: Graph,
  x: Value,
  weight: Value,
  { stride, padding }: { stride: number; padding: number },
): Value {
  const [batch, channels] = x.shape;
  const [out, inputs, kernel] = knownLengths(weight.shape);
  if (channels !== inputs) throw new Error(`Conv of ${channels} channels with a weight for ${inputs}.`);
  const length = (axis: number) => Math.floor((lengthAt(x.shape, axis) + 2 * padding - kernel) / stride) + 1;
  const shape = [batch, out, length(2), length(3)];
  return g.add('Conv', [x, weight], [{ type: 'float32', shape }], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  }).outputs[0];
}

/** The adjoint of `conv` with the same weight: [batch, out, h', w'] → [batch, in, ...`size`]. */
export function convTranspose(
  g: Graph,
  x: Value,
  weight: Value,
  { stride, padding, size }: { stride: number; padding: number; size: readonly [number, number] },
): Value {
  const [batch] = x.shape;
  const [, channels, kernel] = knownLengths(weight.shape);
  const missing = (axis: number, to: number) =>
    to - ((lengthAt(x.shape, axis) - 1) * stride - 2 * padding + kernel);
  return g.add('ConvTranspose', [x, weight], [{ type: 'float32', shape: [batch, channels, ...size] }], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    output_padding: [missing(2, size[0]), missing(3, size[1])],
  }).outputs[0];
}

// One rule per operator: given the adjoint (the loss's gradient) of a node's output, the adjoints of its inputs. Each formulation
// is the one that runs fastest and repeats exactly on ONNX Runtime's CPU kernels; where that is not the obvious one, a comment
// says so. A rule may leave out inputs that are not `needed`.

import { convInputAdjoint, convWeightAdjoint } from './conv-adjoints.ts';
import type { Constant, Graph, GraphNode, Value } from './graph.ts';
import {
  add,
  cast,
  div,
  exp,
  expand,
  flattenToMatrix,
  fusedMatMul,
  gemm,
  greater,
  matMul,
  mul,
  neg,
  pad,
  type Range,
  reduceMean,
  reduceSum,
  repeatPixels,
  reshape,
  sigmoid,
  slice,
  sqrt,
  sub,
  transpose,
  transposeLast,
} from './operators.ts';
import {
  broadcastAxes,
  knownLengths,
  lengthAt,
  positiveAxis,
  type Shape,
  sameShape,
  sizeOf,
} from './shapes.ts';

export interface RuleContext {
  readonly g: Graph;
  readonly node: GraphNode;
  readonly inputs: readonly Value[];
  readonly output: Value;
  readonly adjoint: Value;
  readonly needed: readonly boolean[];
}

type Rule = (context: RuleContext) => readonly (Value | undefined)[];

/** Adds an adjoint up along the axes in which its value was broadcast. */
function unbroadcast(g: Graph, adjoint: Value, shape: Shape): Value {
  if (sameShape(adjoint.shape, shape)) return adjoint;
  const missing = adjoint.shape.length - shape.length;
  const axes = broadcastAxes(shape, adjoint.shape);
  const leading = axes.filter((axis) => axis < missing);
  const kept = axes.filter((axis) => axis >= missing).map((axis) => axis - missing);
  let result = adjoint;
  if (leading.length > 0) {
    result =
      shape.length === 1 && kept.length === 0
        ? columnSums(g, adjoint)
        : reduceSum(g, adjoint, leading, false);
  }
  return kept.length > 0 ? reduceSum(g, result, kept) : result;
}

/** [..., d] → [d]: what a bias gets. */
function columnSums(g: Graph, x: Value): Value {
  return g.target === 'gpu' ? columnSumsByProduct(g, flattenToMatrix(g, x)) : columnSumsByAxis(g, x);
}

/**
 * Axis by axis: in one sum over all rows the CPU's kernel gives each thread some of the columns, and a row is read in pieces. Two and
 * a half times faster.
 */
function columnSumsByAxis(g: Graph, x: Value): Value {
  let sum = x;
  for (let axis = x.shape.length - 2; axis >= 0; axis--) sum = reduceSum(g, sum, [axis], false);
  return sum;
}

/** The WebGPU ReduceSum transposes first; products with a row of ones read the matrix as it lies. */
function columnSumsByProduct(g: Graph, x: Value): Value {
  const [rows, columns] = knownLengths(x.shape);
  const parts = partsOf(rows, 1, columns);
  if (parts === 1) return reduceSum(g, x, [0], false);
  const length = rows / parts;
  const ones = g.floats(new Float32Array(length).fill(1), [1, length]);
  return reduceSum(g, matMul(g, ones, reshape(g, x, [parts, length, columns])), [0, 1], false);
}

function reducedAxes({ inputs: [x, axes] }: RuleContext): number[] {
  return Array.from((axes as Constant).data, Number).map((axis) => positiveAxis(axis, x.shape.length));
}

/** Repeats an adjoint along the axes that a reduction removed. */
function expandTo(g: Graph, adjoint: Value, context: RuleContext): Value {
  const { inputs, node } = context;
  const [x] = inputs;
  const reduced = reducedAxes(context);
  const keptShape = x.shape.map((dim, axis) => (reduced.includes(axis) ? 1 : dim));
  const kept = node.attributes.keepdims ? adjoint : reshape(g, adjoint, keptShape);
  if (x.shape.every((dim) => typeof dim === 'number')) return expand(g, kept, x.shape);
  const target = g.add('Shape', [x], [{ type: 'int64', shape: [x.shape.length] }]).outputs[0];
  return g.add('Expand', [kept, target], [{ type: 'float32', shape: x.shape }]).outputs[0];
}

function isConstant(value: Value): value is Constant {
  return 'data' in value;
}

const addRule: Rule = ({ g, inputs: [a, b], adjoint }) => [
  unbroadcast(g, adjoint, a.shape),
  unbroadcast(g, adjoint, b.shape),
];

const subRule: Rule = ({ g, inputs: [a, b], adjoint, needed }) => [
  unbroadcast(g, adjoint, a.shape),
  needed[1] ? neg(g, unbroadcast(g, adjoint, b.shape)) : undefined,
];

const mulRule: Rule = ({ g, inputs: [a, b], adjoint, needed }) => [
  needed[0] ? unbroadcast(g, mul(g, adjoint, b), a.shape) : undefined,
  needed[1] ? unbroadcast(g, mul(g, adjoint, a), b.shape) : undefined,
];

const divRule: Rule = ({ g, inputs: [a, b], output, adjoint, needed }) => {
  const quotient = div(g, adjoint, b);
  return [
    unbroadcast(g, quotient, a.shape),
    needed[1] ? neg(g, unbroadcast(g, mul(g, quotient, output), b.shape)) : undefined,
  ];
};

const sqrtRule: Rule = ({ g, output, adjoint }) => [div(g, mul(g, adjoint, g.scalar(0.5)), output)];

const sigmoidRule: Rule = ({ g, output, adjoint }) => [
  mul(g, adjoint, sub(g, output, mul(g, output, output))),
];

/** d erf(x) = 2/√π · exp(-x²). */
const erfRule: Rule = ({ g, inputs: [x], adjoint }) => [
  mul(g, adjoint, mul(g, exp(g, neg(g, mul(g, x, x))), g.scalar(2 / Math.sqrt(Math.PI)))),
];

const reluRule: Rule = ({ g, output, adjoint }) => [
  mul(g, adjoint, cast(g, greater(g, output, g.scalar(0)), 'float32')),
];

const softmaxRule: Rule = ({ g, node, output, adjoint }) => {
  const weighted = mul(g, adjoint, output);
  return [sub(g, weighted, mul(g, output, reduceSum(g, weighted, [node.attributes.axis as number])))];
};

const logSoftmaxRule: Rule = ({ g, node, output, adjoint }) => [
  sub(g, adjoint, mul(g, exp(g, output), reduceSum(g, adjoint, [node.attributes.axis as number]))),
];

const matMulRule: Rule = ({ g, inputs: [a, b], adjoint, needed }) => {
  if (b.shape.length === 2) {
    const dy = flattenToMatrix(g, adjoint);
    return [
      needed[0] ? reshape(g, timesTransposed(g, dy, b), a.shape) : undefined,
      needed[1] ? weightAdjoint(g, flattenToMatrix(g, a), dy) : undefined,
    ];
  }
  return [
    needed[0] ? unbroadcast(g, matMul(g, adjoint, transposeLast(g, b)), a.shape) : undefined,
    needed[1] ? unbroadcast(g, matMul(g, transposeLast(g, a), adjoint), b.shape) : undefined,
  ];
};

const fusedMatMulRule: Rule = ({ g, node, inputs: [a, b], adjoint, needed }) => {
  const { transA, transB, alpha } = node.attributes as {
    transA: 0 | 1;
    transB: 0 | 1;
    alpha: { float: number };
  };
  if (b.shape.length < a.shape.length) {
    const dy = flattenToMatrix(g, adjoint);
    const scale = alpha.float;
    return [
      needed[0] ? reshape(g, gemm(g, dy, b, { transB: 1, alpha: scale }), a.shape) : undefined,
      needed[1] ? gemm(g, flattenToMatrix(g, a), dy, { transA: 1, alpha: scale }) : undefined,
    ];
  }
  const product = (first: Value, second: Value, transA: 0 | 1, transB: 0 | 1) =>
    fusedMatMul(g, first, second, { transA, transB, alpha: alpha.float });
  const flipped = (trans: 0 | 1) => (trans ? 0 : 1);
  const ofA = () => (transA ? product(b, adjoint, transB, 1) : product(adjoint, b, 0, flipped(transB)));
  const ofB = () => (transB ? product(adjoint, a, 1, transA) : product(a, adjoint, flipped(transA), 0));
  return [needed[0] ? ofA() : undefined, needed[1] ? ofB() : undefined];
};

/** With s = σ(x) and y = xs: dx = dy·(s + y − ys), two passes over memory fewer than by the product's and the sigmoid's rules. */
const quickGeluRule: Rule = ({ g, inputs: [x], output: y, adjoint }) => {
  const s = sigmoid(g, x);
  return [mul(g, adjoint, add(g, s, sub(g, y, mul(g, y, s))))];
};

/** Results of a matrix product that one workgroup of ONNX Runtime's WebGPU kernels computes, along each axis. */
const TILE = 32;
/** Workgroups that keep a large GPU busy: some thirty for each of an H100's multiprocessors. */
const WORKGROUPS = 4096;

/** dy · bᵀ. The WebGPU Gemm reads a transposed operand at half the speed of a product with one that was transposed before. */
function timesTransposed(g: Graph, dy: Value, b: Value): Value {
  return g.target === 'gpu' ? matMul(g, dy, transposeLast(g, b)) : gemm(g, dy, b, { transB: 1 });
}

/**
 * xᵀ · dy, a sum over all rows of a batch. A GPU gives each tile of the result to one workgroup, so that a small result of a
 * long sum would leave it idle: there the rows are cut into parts whose sums are added up.
 */
function weightAdjoint(g: Graph, x: Value, dy: Value): Value {
  if (g.target === 'cpu') return gemm(g, x, dy, { transA: 1 });
  const [rows, inputs] = knownLengths(x.shape);
  const parts = partsOf(rows, inputs, lengthAt(dy.shape, 1));
  if (parts === 1) return gemm(g, x, dy, { transA: 1 });
  const cut = (value: Value) => reshape(g, value, [parts, rows / parts, value.shape[1]]);
  return reduceSum(g, matMul(g, transposeLast(g, cut(x)), cut(dy)), [0], false);
}

/** A power of two that divides `rows`. */
function partsOf(rows: number, inputs: number, outputs: number): number {
  const tiles = Math.ceil(inputs / TILE) * Math.ceil(outputs / TILE);
  let parts = 1;
  while (parts * tiles < WORKGROUPS && rows % (2 * parts) === 0 && rows / parts > 16 * TILE) parts *= 2;
  return parts;
}

const reshapeRule: Rule = ({ g, inputs: [x], adjoint }) => [reshape(g, adjoint, x.shape)];

const transposeRule: Rule = ({ g, node, adjoint }) => {
  const perm = node.attributes.perm as readonly number[];
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return [transpose(g, adjoint, inverse)];
};

const concatRule: Rule = ({ g, node, inputs, adjoint, needed }) => {
  const axis = node.attributes.axis as number;
  let start = 0;
  return inputs.map((input, i) => {
    const end = start + lengthAt(input.shape, axis);
    const part = needed[i] ? slice(g, adjoint, [{ axis, start, end }]) : undefined;
    start = end;
    return part;
  });
};

const reduceSumRule: Rule = (context) => [expandTo(context.g, context.adjoint, context)];

const reduceMeanRule: Rule = (context) => {
  const { g, inputs, adjoint } = context;
  const [x] = inputs;
  // Throws where a reduced axis is symbolic: how many values a mean is over must be known.
  const count = sizeOf(reducedAxes(context).map((axis) => x.shape[axis]));
  return [expandTo(g, mul(g, adjoint, g.scalar(1 / count)), context)];
};

const padRule: Rule = ({ g, inputs: [x, pads], adjoint }) => {
  const before = Array.from((pads as Constant).data.slice(0, x.shape.length), Number);
  const ranges = x.shape.flatMap((dim, axis): Range[] =>
    adjoint.shape[axis] === dim
      ? []
      : [{ axis, start: before[axis], end: before[axis] + lengthAt(x.shape, axis) }],
  );
  return [slice(g, adjoint, ranges)];
};

/** Zeros around what was cut out. `sliceTo` is of encoders alone, whose texts are as long as they come; none is trained. */
const sliceRule: Rule = ({ g, inputs: [x, starts, ends, axes, steps], adjoint }) => {
  if (!isConstant(ends)) throw new Error('Slice to a length known at run time has no gradient rule.');
  if (steps && Array.from((steps as Constant).data, Number).some((step) => step !== 1)) {
    throw new Error('Slice with a step other than 1 has no gradient rule.');
  }
  const before = x.shape.map(() => 0);
  const after = x.shape.map(() => 0);
  Array.from((axes as Constant).data, Number).forEach((axis, i) => {
    before[axis] = Number((starts as Constant).data[i]);
    after[axis] = lengthAt(x.shape, axis) - Number(ends.data[i]);
  });
  return [pad(g, adjoint, before, after)];
};

/** dx = inv·(dh − mean(dh) − x̂·mean(dh·x̂)) with x̂ = (x − mean)·inv and dh = dy·gain; the kernel returns mean and inv. */
const layerNormalizationRule: Rule = ({ g, node, inputs: [x, gain, bias], adjoint }) => {
  const statistics = x.shape.map((dim, axis) => (axis === x.shape.length - 1 ? 1 : dim));
  const mean = g.extraOutput(node, 'float32', statistics);
  const inverse = g.extraOutput(node, 'float32', statistics);
  const normalized = mul(g, sub(g, x, mean), inverse);
  const dh = mul(g, adjoint, gain);
  const centred = sub(g, dh, reduceMean(g, dh, [-1]));
  const projected = mul(g, normalized, reduceMean(g, mul(g, dh, normalized), [-1]));
  return [
    mul(g, inverse, sub(g, centred, projected)),
    unbroadcast(g, mul(g, adjoint, normalized), gain.shape),
    unbroadcast(g, adjoint, bias.shape),
  ];
};

/**
 * Mean and variance are x's own, so that their part is in dx and they get no adjoint of their own:
 * dx = gain·inv·(dy − mean(dy) − x̂·mean(dy·x̂)), written as dy·a + x·b + c with a, b, c [c].
 */
const batchNormalizationRule: Rule = ({ g, node, inputs, adjoint }) => {
  const [x, gain, , mean, variance] = inputs;
  const channels = lengthAt(x.shape, 1);
  const count = sizeOf(x.shape) / channels;
  const { float: epsilon } = node.attributes.epsilon as { float: number };
  const perChannel = (value: Value) => reshape(g, value, [1, channels, 1, 1]);
  const inverse = div(g, g.scalar(1), sqrt(g, add(g, variance, g.scalar(epsilon))));
  const biasGradient = reduceSum(g, adjoint, [0, 2, 3], false);
  const products = reduceSum(g, mul(g, adjoint, x), [0, 2, 3], false);
  const gainGradient = mul(g, inverse, sub(g, products, mul(g, mean, biasGradient)));
  const a = mul(g, gain, inverse);
  const b = neg(g, mul(g, mul(g, a, inverse), mul(g, gainGradient, g.scalar(1 / count))));
  const c = neg(g, add(g, mul(g, a, mul(g, biasGradient, g.scalar(1 / count))), mul(g, b, mean)));
  const ofAdjoint = add(g, mul(g, adjoint, perChannel(a)), perChannel(c));
  return [add(g, ofAdjoint, mul(g, x, perChannel(b))), gainGradient, biasGradient];
};

/** Each mean spreads its adjoint evenly over its square. */
const averagePoolRule: Rule = ({ g, node, adjoint }) => {
  const [size] = node.attributes.kernel_shape as readonly number[];
  return [repeatPixels(g, mul(g, adjoint, g.scalar(1 / size ** 2)), size)];
};

const convRule: Rule = (context) => {
  const { g, node, inputs, adjoint, needed } = context;
  const [x, weight] = inputs;
  const [stride] = node.attributes.strides as readonly number[];
  const [padding] = node.attributes.pads as readonly number[];
  const convolution = { g, adjoint, x, weight, stride, padding };
  return [
    needed[0] ? convInputAdjoint(convolution) : undefined,
    needed[1] ? convWeightAdjoint(convolution) : undefined,
  ];
};

export const gradientRules: Readonly<Record<string, Rule | undefined>> = {
  Add: addRule,
  Sub: subRule,
  Mul: mulRule,
  Div: divRule,
  Neg: ({ g, adjoint }) => [neg(g, adjoint)],
  Exp: ({ g, output, adjoint }) => [mul(g, adjoint, output)],
  Sqrt: sqrtRule,
  Sigmoid: sigmoidRule,
  Softplus: ({ g, inputs: [x], adjoint }) => [mul(g, adjoint, sigmoid(g, x))],
  Erf: erfRule,
  Relu: reluRule,
  Softmax: softmaxRule,
  LogSoftmax: logSoftmaxRule,
  MatMul: matMulRule,
  FusedMatMul: fusedMatMulRule,
  QuickGelu: quickGeluRule,
  Reshape: reshapeRule,
  Transpose: transposeRule,
  Concat: concatRule,
  ReduceSum: reduceSumRule,
  ReduceMean: reduceMeanRule,
  Pad: padRule,
  Slice: sliceRule,
  LayerNormalization: layerNormalizationRule,
  BatchNormalization: batchNormalizationRule,
  AveragePool: averagePoolRule,
  Conv: convRule,
  Identity: ({ adjoint }) => [adjoint],
};

// What a graph computes from constants alone, computed once instead of whenever a session is created: a network states its
// weights in PyTorch's layout (patch embedding [d, 3, p, p]) and its class token apart from the positions. Only a weight that
// stands right before its product can be quantised, and not every runtime folds what is in float16.

import {
  TensorProto_DataType as DataType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../proto/onnx_pb.ts';
import { broadcast } from '../shapes.ts';
import { floatAttribute, intAttribute, intsAttribute, nodeProto } from './nodes.ts';
import { derived, graphOf, integerValues, withGraph } from './tensors.ts';

/** The same function with fewer nodes: constant Reshape, Transpose, Pad and arithmetic are gone, a linear Gemm is MatMul and Add. */
export function foldConstants(model: ModelProto): ModelProto {
  const graph = graphOf(model);
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const nodes: NodeProto[] = [];
  for (const node of graph.node) {
    const folded = fold(node, constants);
    if (folded) constants.set(folded.name, folded);
    else nodes.push(...linearGemm(node, constants));
  }
  return withGraph(model, nodes, [...constants.values()]);
}

const ARITHMETIC: Readonly<Record<string, ((a: number, b: number) => number) | undefined>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

function fold(node: NodeProto, constants: ReadonlyMap<string, TensorProto>): TensorProto | null {
  const [tensor, second] = node.input.map((name) => constants.get(name));
  if (tensor?.dataType !== DataType.FLOAT) return null;
  type Values = Float32Array<ArrayBuffer>;
  const result = (
    dims: readonly number[],
    compute: (values: Values, others: Values) => Values,
    ...others: readonly TensorProto[]
  ) => derived(node.output[0], DataType.FLOAT, dims, [tensor, ...others], compute);
  const dims = tensor.dims.map(Number);
  switch (node.opType) {
    case 'Reshape':
      return second ? result(reshaped(dims, integerValues(second)), (values) => values) : null;
    case 'Transpose': {
      const perm = intsAttribute(node, 'perm') ?? dims.map((_, axis) => dims.length - 1 - axis);
      return result(
        perm.map((axis) => dims[axis]),
        (values) => transposed(values, dims, perm),
      );
    }
    case 'Pad': {
      if (!second || node.input.length > 2 || node.attribute.length > 0) return null;
      const pads = integerValues(second);
      const shape = dims.map((side, axis) => pads[axis] + side + pads[axis + dims.length]);
      return result(shape, (values) => padded(values, dims, pads, shape));
    }
    case 'Sqrt':
      return result(dims, (values) => values.map(Math.sqrt));
    default: {
      const arithmetic = ARITHMETIC[node.opType];
      if (!arithmetic || second?.dataType !== DataType.FLOAT) return null;
      const others = second.dims.map(Number);
      const shape = broadcast(dims, others).map(Number);
      return result(
        shape,
        (values, given) => {
          const b = expanded(given, others, shape);
          return expanded(values, dims, shape).map((value, i) => arithmetic(value, b[i]));
        },
        second,
      );
    }
  }
}

/** x · W (+ bias) as the two nodes that ONNX's Gemm stands for, where W is a constant; any other node as it is. */
function linearGemm(node: NodeProto, constants: Map<string, TensorProto>): NodeProto[] {
  const [x, weightName, bias] = node.input;
  const weight = constants.get(weightName);
  const isLinear =
    node.opType === 'Gemm' &&
    weight?.dataType === DataType.FLOAT &&
    intAttribute(node, 'transA', 0) === 0 &&
    floatAttribute(node, 'alpha', 1) === 1 &&
    floatAttribute(node, 'beta', 1) === 1;
  if (!isLinear) return [node];
  let matrix = weight;
  if (intAttribute(node, 'transB', 0) === 1) {
    const [rows, columns] = weight.dims.map(Number);
    const turned = (values: Float32Array) => transposed(values, [rows, columns], [1, 0]);
    matrix = derived(`${weightName}_transposed`, DataType.FLOAT, [columns, rows], [weight], turned);
    constants.set(matrix.name, matrix);
  }
  const [result] = node.output;
  if (!bias) return [nodeProto('MatMul', [x, matrix.name], [result])];
  const product = `${result}_product`;
  return [nodeProto('MatMul', [x, matrix.name], [product]), nodeProto('Add', [product, bias], [result])];
}

/** ONNX's Reshape: 0 keeps an axis, -1 takes what is left. */
function reshaped(dims: readonly number[], target: readonly number[]): number[] {
  const shape = target.map((side, axis) => (side === 0 ? dims[axis] : side));
  const size = dims.reduce((product, side) => product * side, 1);
  const known = shape.reduce((product, side) => (side === -1 ? product : product * side), 1);
  return shape.map((side) => (side === -1 ? size / known : side));
}

/** Elements between neighbours along each axis of a row-major tensor. */
function stridesOf(dims: readonly number[]): number[] {
  return dims.map((_, axis) => dims.slice(axis + 1).reduce((product, side) => product * side, 1));
}

/** `values` of the shape `dims`, its axes in the order of `perm`. */
export function transposed(
  values: Float32Array,
  dims: readonly number[],
  perm: readonly number[],
): Float32Array<ArrayBuffer> {
  const strides = stridesOf(dims);
  const result = new Float32Array(values.length);
  let next = 0;
  const walk = (axis: number, from: number): void => {
    if (axis === perm.length) {
      result[next++] = values[from];
      return;
    }
    for (let i = 0; i < dims[perm[axis]]; i++) walk(axis + 1, from + i * strides[perm[axis]]);
  };
  walk(0, 0);
  return result;
}

/** Repeats what ONNX's broadcasting repeats. */
function expanded(
  values: Float32Array<ArrayBuffer>,
  dims: readonly number[],
  shape: readonly number[],
): Float32Array<ArrayBuffer> {
  const missing = shape.length - dims.length;
  const strides = stridesOf(dims);
  const result = new Float32Array(shape.reduce((product, side) => product * side, 1));
  let next = 0;
  const walk = (axis: number, from: number): void => {
    if (axis === shape.length) {
      result[next++] = values[from];
      return;
    }
    const side = dims[axis - missing] ?? 1;
    const stride = side === 1 ? 0 : strides[axis - missing];
    for (let i = 0; i < shape[axis]; i++) walk(axis + 1, from + i * stride);
  };
  walk(0, 0);
  return result;
}

/** Zeros before (pads[axis]) and after. */
function padded(
  values: Float32Array,
  dims: readonly number[],
  pads: readonly number[],
  shape: readonly number[],
): Float32Array<ArrayBuffer> {
  const strides = stridesOf(shape);
  const result = new Float32Array(shape.reduce((product, side) => product * side, 1));
  let next = 0;
  const walk = (axis: number, to: number): void => {
    if (axis === dims.length) {
      result[to] = values[next++];
      return;
    }
    for (let i = 0; i < dims[axis]; i++) walk(axis + 1, to + (i + pads[axis]) * strides[axis]);
  };
  walk(0, 0);
  return result;
}

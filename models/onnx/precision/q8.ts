// Dynamic 8-bit quantisation, as the field ships it for WASM: weights are stored as int8 with a scale per output, symmetric
// around 0; activations are quantised to uint8 as the graph runs, so that a product is a product of integers. What has no
// such kernel (convolutions, norms, attention's own products) stays float32.
//
//   x ─▶ DynamicQuantizeLinear ─▶ MatMulIntegerToFloat(weight int8, x's scale, weight's scales, bias) ─▶ as before
//
// Token tables are in 8 bits too (token-table.ts).
//
// MatMulIntegerToFloat is ONNX Runtime's own operator for the standard's MatMulInteger, Cast, Mul, Mul and Add: one pass over
// the numbers instead of five, and no work for the runtime's optimiser. That keeps busy Casts out of the graph (one of token
// ids may be left, where the end of a text is the largest of them), for the browsers' sake: ONNX Runtime's kernel for it is
// one WebAssembly function of 490 kB, which V8 takes 40 ms to compile and, once it is busy, another 0.6 s of a core to
// optimise, in the middle of the first answer.

import { groupBy } from '../../clip/group-by.ts';
import {
  TensorProto_DataType as DataType,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../proto/onnx_pb.ts';
import { ONNX_RUNTIME } from '../runtime-operators.ts';
import { type Int8Matrix, int8Matrix } from './int8.ts';
import { intAttribute, nodeProto } from './nodes.ts';
import { constant, graphOf, isLargeMatrix, withGraph, withRuntimeOperators } from './tensors.ts';
import { tablesToInt8 } from './token-table.ts';

/** Each output of a product has a scale of its own. */
const OUTPUTS = 1;

/** The same network with its products' weights and its token table in 8 bits; `model` has been through foldConstants. */
export function toQ8(model: ModelProto): ModelProto {
  return productsToInt8(tablesToInt8(model));
}

function productsToInt8(model: ModelProto): ModelProto {
  const graph = graphOf(model);
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const readers = readersOf(graph);
  const comparisons = new Set(graph.node.flatMap(({ opType, output }) => (opType === 'Equal' ? output : [])));
  const nodes: NodeProto[] = [];
  const quantised = new Set<string>();
  /** Sums that a product before them has taken in. */
  const fused = new Set<NodeProto>();

  const number = (value: number): string => {
    const name = `float32_${value}`;
    constants.set(name, constant(name, DataType.FLOAT, [], Float32Array.of(value)));
    return name;
  };

  /** x as uint8, once for all the products that read it. */
  const activation = (x: string) => {
    const names = { values: `${x}_uint8`, scale: `${x}_uint8_scale`, zeroPoint: `${x}_uint8_zero_point` };
    if (!quantised.has(x)) nodes.push(nodeProto('DynamicQuantizeLinear', [x], Object.values(names)));
    quantised.add(x);
    return names;
  };

  const matrices = new Map<string, Int8Matrix>();
  /** A constant as int8, once for all its readers. */
  const weight = (tensor: TensorProto): Int8Matrix => {
    const known = matrices.get(tensor.name);
    if (known) return known;
    const made = int8Matrix(tensor, OUTPUTS);
    matrices.set(tensor.name, made);
    for (const part of [made.levels, made.scales]) constants.set(part.name, part);
    return made;
  };

  /** The sum that adds a constant vector to a product, where nothing else reads the product. */
  const biasOf = (product: string, matrix: TensorProto) => {
    const [sum, ...others] = readers.get(product) ?? [];
    if (sum?.opType !== 'Add' || others.length > 0) return null;
    const bias = constants.get(sum.input.find((name) => name !== product) ?? '');
    if (bias?.dataType !== DataType.FLOAT || bias.dims.join() !== `${matrix.dims[1]}`) return null;
    return { name: bias.name, sum };
  };

  const multiply = (x: string, matrix: TensorProto, product: string) => {
    const { values, scale, zeroPoint } = activation(x);
    const { levels, scales } = weight(matrix);
    const bias = biasOf(product, matrix);
    if (bias) fused.add(bias.sum);
    // The empty name: symmetric weights have no zero point.
    const inputs = [values, levels.name, scale, scales.name, zeroPoint, ...(bias ? ['', bias.name] : [])];
    const outputs = bias ? bias.sum.output : [product];
    nodes.push(nodeProto('MatMulIntegerToFloat', inputs, outputs, {}, ONNX_RUNTIME.domain));
  };

  for (const node of graph.node) {
    const [first, second] = node.input;
    const [result] = node.output;
    const matrix = node.opType === 'MatMul' ? constants.get(second) : undefined;
    if (matrix && isLargeMatrix(matrix)) multiply(first, matrix, result);
    else if (
      node.opType === 'Cast' &&
      comparisons.has(first) &&
      intAttribute(node, 'to', 0) === DataType.FLOAT
    ) {
      nodes.push(nodeProto('Where', [first, number(1), number(0)], [result]));
    } else if (!fused.has(node)) nodes.push(node);
  }
  return withRuntimeOperators(withGraph(model, nodes, [...constants.values()]));
}

/** The nodes that read each value; a graph's output has a reader that is none of them. */
function readersOf(graph: GraphProto): ReadonlyMap<string, readonly (NodeProto | null)[]> {
  const results = graph.output.map(({ name }) => name);
  return groupBy([...graph.node, null], (node) => node?.input ?? results);
}

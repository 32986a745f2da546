// Dynamic 8-bit quantisation, as the field ships it for WASM: weights are stored as int8 with a scale per output, symmetric
// around 0; activations are quantised to uint8 as the graph runs, so that a product is a product of integers. What has no
// such kernel (convolutions, norms, attention's own products) stays float32.
//
//   x ─▶ DynamicQuantizeLinear ─▶ MatMulInteger(weight int8) ─▶ Cast ─▶ Mul(x's scale · weight's scales) ─▶ bias as before
//
// A token table is stored as int8 with a scale per row, and rows are scaled after they are looked up. ONNX Runtime fuses the
// chain of a product into one kernel, on a CPU and in WASM alike.

import {
  TensorProto_DataType as DataType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../proto/onnx_pb.ts';
import { intAttribute, nodeProto } from './nodes.ts';
import { constant, floatValues, graphOf, withGraph } from './tensors.ts';

/** A smaller constant saves fewer bytes than its own nodes cost time. */
const MIN_ELEMENTS = 4096;
/** Symmetric: -128 is not used, so that a weight and its negative are equally exact. */
const MAX_LEVEL = 127;

/** The same network with its products' weights and its token table in 8 bits; `model` has been through foldConstants. */
export function toQ8(model: ModelProto): ModelProto {
  const graph = graphOf(model);
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const nodes: NodeProto[] = [];
  const done = new Set<string>();

  const largeMatrix = (name: string): TensorProto | null => {
    const tensor = constants.get(name);
    if (tensor?.dataType !== DataType.FLOAT || tensor.dims.length !== 2) return null;
    return Number(tensor.dims[0] * tensor.dims[1]) < MIN_ELEMENTS ? null : tensor;
  };

  /** x as uint8, once for all the products that read it. */
  const activation = (x: string) => {
    const names = { values: `${x}_uint8`, scale: `${x}_uint8_scale`, zeroPoint: `${x}_uint8_zero_point` };
    if (!done.has(x)) nodes.push(nodeProto('DynamicQuantizeLinear', [x], Object.values(names)));
    done.add(x);
    return names;
  };

  /** A constant as int8, once for all its readers; `axis` is the one along which each place has a scale of its own. */
  const weight = (tensor: TensorProto, axis: 0 | 1) => {
    const names = { values: `${tensor.name}_int8_${axis}`, scales: `${tensor.name}_int8_${axis}_scales` };
    if (!constants.has(names.values)) {
      const [rows, columns] = tensor.dims.map(Number);
      const { values, scales } = quantize(floatValues(tensor), columns, axis);
      constants.set(names.values, constant(names.values, DataType.INT8, [rows, columns], values));
      const shape = axis === 0 ? [rows, 1] : [columns];
      constants.set(names.scales, constant(names.scales, DataType.FLOAT, shape, scales));
    }
    return names;
  };

  const multiply = (x: string, matrix: TensorProto, product: string) => {
    const { values, scale, zeroPoint } = activation(x);
    const { values: weights, scales } = weight(matrix, 1);
    const [sum, float, steps] = [`${product}_int32`, `${product}_unscaled`, `${product}_scales`];
    nodes.push(
      nodeProto('MatMulInteger', [values, weights, zeroPoint], [sum]),
      nodeProto('Cast', [sum], [float], { to: DataType.FLOAT }),
      nodeProto('Mul', [scale, scales], [steps]),
      nodeProto('Mul', [float, steps], [product]),
    );
  };

  const lookUp = (table: TensorProto, indices: string, result: string) => {
    const { values, scales } = weight(table, 0);
    const [levels, float, steps] = [`${result}_int8`, `${result}_unscaled`, `${result}_scales`];
    nodes.push(
      nodeProto('Gather', [values, indices], [levels]),
      nodeProto('Cast', [levels], [float], { to: DataType.FLOAT }),
      nodeProto('Gather', [scales, indices], [steps]),
      nodeProto('Mul', [float, steps], [result]),
    );
  };

  for (const node of graph.node) {
    const [first, second] = node.input;
    const [result] = node.output;
    const table = node.opType === 'Gather' && intAttribute(node, 'axis', 0) === 0 ? largeMatrix(first) : null;
    const matrix = node.opType === 'MatMul' ? largeMatrix(second) : null;
    if (table) lookUp(table, second, result);
    else if (matrix) multiply(first, matrix, result);
    else nodes.push(node);
  }
  return withGraph(model, nodes, [...constants.values()]);
}

/** Levels of a row-major matrix, and for each place along `axis` what one level is worth. */
function quantize(
  matrix: Float32Array,
  columns: number,
  axis: 0 | 1,
): { values: Int8Array<ArrayBuffer>; scales: Float32Array<ArrayBuffer> } {
  const place = axis === 0 ? (i: number) => Math.floor(i / columns) : (i: number) => i % columns;
  const scales = new Float32Array(axis === 0 ? matrix.length / columns : columns);
  for (const [i, value] of matrix.entries()) {
    scales[place(i)] = Math.max(scales[place(i)], Math.abs(value) / MAX_LEVEL);
  }
  const values = Int8Array.from(matrix, (value, i) => Math.round(value / (scales[place(i)] || 1)));
  return { values, scales };
}

// A table that tokens are looked up in, in 8 bits: int8 with a scale per row, symmetric around 0; rows are scaled after they are
// looked up. It is most of a small model's text encoder, and no product reads it.

import {
  TensorProto_DataType as DataType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../proto/onnx_pb.ts';
import { int8Matrix } from './int8.ts';
import { intAttribute, nodeProto } from './nodes.ts';
import { constant, graphOf, isLargeMatrix, withGraph } from './tensors.ts';

const ROWS = 0;
const ONE = 'float32_1';

/** The same network with its large tables in 8 bits. */
export function tablesToInt8(model: ModelProto): ModelProto {
  const graph = graphOf(model);
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));

  const lookUp = (table: TensorProto, indices: string, result: string): NodeProto[] => {
    const { levels, scales } = int8Matrix(table, ROWS);
    for (const part of [levels, scales]) constants.set(part.name, part);
    constants.set(ONE, constant(ONE, DataType.FLOAT, [], Float32Array.of(1)));
    const [integers, float, steps] = [`${result}_int8`, `${result}_unscaled`, `${result}_scales`];
    return [
      nodeProto('Gather', [levels.name, indices], [integers]),
      nodeProto('DequantizeLinear', [integers, ONE], [float]),
      nodeProto('Gather', [scales.name, indices], [steps]),
      nodeProto('Mul', [float, steps], [result]),
    ];
  };

  const nodes = graph.node.flatMap((node) => {
    const table = node.opType === 'Gather' ? constants.get(node.input[0]) : undefined;
    return table && isLargeMatrix(table) && intAttribute(node, 'axis', 0) === 0
      ? lookUp(table, node.input[1], node.output[0])
      : [node];
  });
  return withGraph(model, nodes, [...constants.values()]);
}

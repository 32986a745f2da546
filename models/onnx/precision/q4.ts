// 4-bit weights: of a product with a constant, every 32 weights of an output share a scale; activations keep their type, and ONNX
// Runtime's own MatMulNBits puts both together. That halves q8's download again and costs accuracy: for large models on WebGPU, where
// memory is short. What has no such kernel (convolutions, norms, attention's own products) stays as it is; a token table is stored in 8
// bits, by q8.ts.
//
//   x ─▶ MatMulNBits(levels of 4 bits, scales) ─▶ as before

import {
  TensorProto_DataType as DataType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../proto/onnx_pb.ts';
import { ONNX_RUNTIME } from '../runtime-operators.ts';
import { toFp16 } from './fp16.ts';
import { nodeProto } from './nodes.ts';
import { derivedTogether, graphOf, isLargeMatrix, withGraph, withRuntimeOperators } from './tensors.ts';
import { tablesToInt8 } from './token-table.ts';

const BITS = 4;
/** Weights that share a scale: what the field's own 4-bit exports have. */
const BLOCK = 32;
/** Levels are 0 to 15; 8 stands for zero. */
const [ZERO, HIGHEST] = [8, 15];

/** The same network with its products' weights in 4 bits and its token table in 8; `model` has been through foldConstants. */
export function toQ4(model: ModelProto): ModelProto {
  return productsToInt4(tablesToInt8(model));
}

/** The same with all else in float16. */
export function toQ4F16(model: ModelProto): ModelProto {
  return toFp16(productsToInt4(model));
}

function productsToInt4(model: ModelProto): ModelProto {
  const graph = graphOf(model);
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));

  const blocks = (matrix: TensorProto) => {
    const [inputs, outputs] = matrix.dims.map(Number);
    const count = Math.ceil(inputs / BLOCK);
    const names = { levels: `${matrix.name}_q4`, scales: `${matrix.name}_q4_scales` };
    if (!constants.has(names.levels)) {
      const made = derivedTogether(
        [
          { name: names.levels, dataType: DataType.UINT8, dims: [outputs, count, (BLOCK * BITS) / 8] },
          { name: names.scales, dataType: DataType.FLOAT, dims: [outputs, count] },
        ],
        [matrix],
        (values) => {
          const scales = scalesOfBlocks(values, inputs, outputs);
          return [levelsOfBlocks(values, inputs, outputs, scales), scales];
        },
      );
      for (const part of made) constants.set(part.name, part);
    }
    return names;
  };

  const node = graph.node.map((each): NodeProto => {
    const [x, name] = each.input;
    const matrix = each.opType === 'MatMul' ? constants.get(name) : undefined;
    if (!matrix || !isLargeMatrix(matrix)) return each;
    const [inputs, outputs] = matrix.dims.map(Number);
    const { levels, scales } = blocks(matrix);
    const attributes = { K: inputs, N: outputs, bits: BITS, block_size: BLOCK };
    return nodeProto('MatMulNBits', [x, levels, scales], each.output, attributes, ONNX_RUNTIME.domain);
  });
  return withRuntimeOperators(withGraph(model, node, [...constants.values()]));
}

/** For each output and each of its blocks what a level is worth: the weight farthest from zero is level 0, its like on the other side 15 at most. */
function scalesOfBlocks(values: Float32Array, inputs: number, outputs: number): Float32Array<ArrayBuffer> {
  const count = Math.ceil(inputs / BLOCK);
  const scales = new Float32Array(outputs * count);
  for (let input = 0; input < inputs; input++) {
    const block = Math.floor(input / BLOCK);
    for (let output = 0; output < outputs; output++) {
      const value = values[input * outputs + output];
      const place = output * count + block;
      // The farthest so far, with its sign.
      if (Math.abs(value) > Math.abs(scales[place])) scales[place] = value;
    }
  }
  return scales.map((farthest) => farthest / -ZERO);
}

/** Two levels a byte, the first in its lower half. */
function levelsOfBlocks(
  values: Float32Array,
  inputs: number,
  outputs: number,
  scales: Float32Array,
): Uint8Array<ArrayBuffer> {
  const count = Math.ceil(inputs / BLOCK);
  // Where the last block is longer than the weights, levels stand for zero.
  const levels = new Uint8Array((outputs * count * BLOCK) / 2).fill(ZERO | (ZERO << BITS));
  for (let input = 0; input < inputs; input++) {
    const block = Math.floor(input / BLOCK);
    const within = input % BLOCK;
    const shift = within % 2 === 0 ? 0 : BITS;
    for (let output = 0; output < outputs; output++) {
      const scale = scales[output * count + block];
      const level = scale === 0 ? ZERO : Math.round(values[input * outputs + output] / scale) + ZERO;
      const place = ((output * count + block) * BLOCK + within) >> 1;
      const cleared = levels[place] & ~(HIGHEST << shift);
      levels[place] = cleared | (Math.min(HIGHEST, Math.max(0, level)) << shift);
    }
  }
  return levels;
}

// A network's weights between model.safetensors, which has PyTorch's layout, and the graph, which multiplies by transposed
// linear weights. The only place that knows of the difference.

import type { Parameter } from '../onnx/graph.ts';
import { sizeOf } from '../onnx/shapes.ts';

/** Values in the graph's layout, by parameter. */
export type Weights = ReadonlyMap<string, Float32Array<ArrayBuffer>>;

export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** The layout that model.safetensors and PyTorch have. */
export function toStored(parameters: Iterable<Parameter>, weights: Weights): Map<string, StoredTensor> {
  const stored = new Map<string, StoredTensor>();
  for (const parameter of parameters) {
    const data = weightsOf(weights, parameter.name);
    const shape = parameter.shape.map(Number);
    stored.set(
      parameter.name,
      parameter.storedTransposed
        ? { shape: shape.toReversed(), data: transposed(data, shape[0], shape[1]) }
        : { shape, data },
    );
  }
  return stored;
}

/**
 * The graph's layout again.
 * @param fileName for messages
 * @throws a sentence where a tensor is missing or has another shape than the network's
 */
export function fromStored(
  parameters: Iterable<Parameter>,
  stored: ReadonlyMap<string, StoredTensor>,
  fileName: string,
): Map<string, Float32Array<ArrayBuffer>> {
  const weights = new Map<string, Float32Array<ArrayBuffer>>();
  for (const parameter of parameters) {
    const shape = parameter.shape.map(Number);
    const expected = parameter.storedTransposed ? shape.toReversed() : shape;
    const tensor = stored.get(parameter.name);
    if (!tensor) {
      throw new Error(
        `${fileName} lacks the tensor ${parameter.name} of shape [${expected}] that config.json asks for.`,
      );
    }
    if (tensor.shape.join() !== expected.join() || tensor.data.length !== sizeOf(expected)) {
      throw new Error(
        `${fileName} holds ${parameter.name} in the shape [${tensor.shape}]; config.json asks for [${expected}].`,
      );
    }
    weights.set(
      parameter.name,
      parameter.storedTransposed ? transposed(tensor.data, expected[0], expected[1]) : tensor.data,
    );
  }
  return weights;
}

/** A tensor by name, where its absence is a mistake of ours. */
export function weightsOf<T>(tensors: ReadonlyMap<string, T>, name: string): T {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`The weights lack the tensor ${name}, which the network asks for.`);
  return tensor;
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = data[row * columns + column];
  }
  return result;
}

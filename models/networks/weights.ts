// A network's weights between model.safetensors, which has PyTorch's layout, and the graph, which multiplies by transposed
// linear weights. The only place that knows of the difference.

import type { Parameter } from '../onnx/graph.ts';

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
    const { name, shape, storedTransposed } = parameter;
    const data = weightsOf(weights, name);
    stored.set(name, {
      shape: storedShape(parameter),
      data: storedTransposed ? transposed(data, shape[0], shape[1]) : data,
    });
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
  return new Map(
    Array.from(parameters, (parameter) => {
      checkStored(parameter, stored, fileName);
      return [parameter.name, inGraphLayout(parameter, weightsOf(stored, parameter.name).data)] as const;
    }),
  );
}

/** Throws a sentence where a parameter's tensor is missing or has another shape. */
export function checkStored(
  parameter: Parameter,
  stored: ReadonlyMap<string, Pick<StoredTensor, 'shape'>>,
  fileName: string,
): void {
  const expected = storedShape(parameter);
  const tensor = stored.get(parameter.name);
  if (!tensor) {
    throw new Error(
      `${fileName} lacks the tensor ${parameter.name} of shape [${expected}] that config.json asks for.`,
    );
  }
  if (tensor.shape.join() !== expected.join()) {
    throw new Error(
      `${fileName} holds ${parameter.name} in the shape [${tensor.shape}]; config.json asks for [${expected}].`,
    );
  }
}

/** The shape that a parameter has in model.safetensors. */
export function storedShape({ shape, storedTransposed }: Parameter): readonly number[] {
  return storedTransposed ? shape.toReversed() : shape;
}

/** Values as they are stored → as the graph reads them. */
export function inGraphLayout(
  parameter: Parameter,
  data: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  const [rows, columns] = storedShape(parameter);
  return parameter.storedTransposed ? transposed(data, rows, columns) : data;
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

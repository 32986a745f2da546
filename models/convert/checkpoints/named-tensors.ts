// A checkpoint's tensors under our names and in the shapes that model.safetensors has, whatever the checkpoint calls and keeps them.

import { shown } from '../../clip/checked.ts';
import type { Tensor, TensorInfo } from '../../clip/safetensors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Origin, originsOf } from './names.ts';

export interface NamedTensor extends TensorInfo {
  /** For messages: what the checkpoint calls it. */
  readonly origin: string;
  read(): Promise<Tensor>;
}

export function namedTensors(checkpoint: Checkpoint): Map<string, NamedTensor> {
  const origins = originsOf(checkpoint.tensors.keys(), checkpoint.name);
  return new Map(Array.from(origins, ([name, origin]) => [name, named(checkpoint, origin)] as const));
}

function named(checkpoint: Checkpoint, { name, part, transposed }: Origin): NamedTensor {
  const info = checkpoint.tensors.get(name);
  if (!info) throw new Error(`${checkpoint.name} holds no tensor ${name}.`);
  const { dtype, shape } = info;
  const [rows = 1, columns = 1] = shape;
  if (transposed) {
    if (shape.length !== 2)
      throw new Error(
        `${checkpoint.name} was refused: ${shown(name)} has the shape [${shape.join(', ')}]; a matrix was expected.`,
      );
    return {
      dtype,
      shape: [columns, rows],
      origin: name,
      read: async () => transpose(await checkpoint.read(name), rows, columns),
    };
  }
  if (!part) return { dtype, shape, origin: name, read: () => checkpoint.read(name) };
  if (rows % part.of !== 0) {
    throw new Error(
      `${checkpoint.name} was refused: ${shown(name)} has the shape [${shape.join(', ')}], whose ${rows} rows are not ${part.of} equal parts.`,
    );
  }
  const partShape = [rows / part.of, ...shape.slice(1)];
  const length = partShape.reduce((product, side) => product * side, 1);
  return {
    dtype,
    shape: partShape,
    origin: name,
    async read() {
      const { data } = await checkpoint.read(name);
      return {
        dtype,
        shape: partShape,
        data: data.slice(part.index * length, (part.index + 1) * length),
      } as Tensor;
    },
  };
}

/** [rows, columns] → [columns, rows]. */
function transpose({ dtype, data }: Tensor, rows: number, columns: number): Tensor {
  const result = data.slice();
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = data[row * columns + column];
  return { dtype, shape: [columns, rows], data: result } as Tensor;
}

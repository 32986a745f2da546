// A matrix as int8, symmetric around 0, with a scale for each place along one axis.

import { TensorProto_DataType as DataType, type TensorProto } from '../proto/onnx_pb.ts';
import { derivedTogether } from './tensors.ts';

/** -128 is not used, so that a weight and its negative are equally exact. */
const MAX_LEVEL = 127;

/** A constant [rows, columns] in 8 bits. */
export interface Int8Matrix {
  /** int8 [rows, columns] */
  readonly levels: TensorProto;
  /** What a level is worth: float32 [rows, 1] along axis 0, [columns] along axis 1, as what multiplies them broadcasts. */
  readonly scales: TensorProto;
}

export function int8Matrix(matrix: TensorProto, axis: 0 | 1): Int8Matrix {
  const [rows, columns] = matrix.dims.map(Number);
  const [levels, scales] = derivedTogether(
    [
      { name: `${matrix.name}_int8`, dataType: DataType.INT8, dims: [rows, columns] },
      {
        name: `${matrix.name}_int8_scales`,
        dataType: DataType.FLOAT,
        dims: axis === 0 ? [rows, 1] : [columns],
      },
    ],
    [matrix],
    (values) => quantised(values, columns, axis),
  );
  return { levels, scales };
}

function quantised(
  matrix: Float32Array,
  columns: number,
  axis: 0 | 1,
): [Int8Array<ArrayBuffer>, Float32Array<ArrayBuffer>] {
  const place = axis === 0 ? (i: number) => Math.floor(i / columns) : (i: number) => i % columns;
  const scales = new Float32Array(axis === 0 ? matrix.length / columns : columns);
  for (let i = 0; i < matrix.length; i++) {
    scales[place(i)] = Math.max(scales[place(i)], Math.abs(matrix[i]) / MAX_LEVEL);
  }
  const levels = new Int8Array(matrix.length);
  for (let i = 0; i < matrix.length; i++) levels[i] = Math.round(matrix[i] / (scales[place(i)] || 1));
  return [levels, scales];
}

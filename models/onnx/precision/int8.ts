// A matrix as int8, symmetric around 0, with a scale for each place along one axis.

/** -128 is not used, so that a weight and its negative are equally exact. */
const MAX_LEVEL = 127;

/** For each place along `axis` of a row-major matrix what one level is worth. */
export function scalesAlong(matrix: Float32Array, columns: number, axis: 0 | 1): Float32Array<ArrayBuffer> {
  const place = placeAlong(columns, axis);
  const scales = new Float32Array(axis === 0 ? matrix.length / columns : columns);
  for (const [i, value] of matrix.entries()) {
    scales[place(i)] = Math.max(scales[place(i)], Math.abs(value) / MAX_LEVEL);
  }
  return scales;
}

export function levels(
  matrix: Float32Array,
  columns: number,
  axis: 0 | 1,
  scales: Float32Array,
): Int8Array<ArrayBuffer> {
  const place = placeAlong(columns, axis);
  return Int8Array.from(matrix, (value, i) => Math.round(value / (scales[place(i)] || 1)));
}

const placeAlong = (columns: number, axis: 0 | 1) =>
  axis === 0 ? (i: number) => Math.floor(i / columns) : (i: number) => i % columns;

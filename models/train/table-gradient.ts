// The gradient of a table that is only looked up in, in a graph for a GPU: what each row gets of all the places that looked it up, as
// products with zeros and ones. (On a CPU the optimiser adds the rows up: see gradients.ts.)

import type { Gradient } from '../onnx/gradients.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { add, cast, equal, flattenToMatrix, gemm, reshape, slice } from '../onnx/operators.ts';
import { sizeOf } from '../onnx/shapes.ts';

/** Elements, a quarter of a gigabyte: as many as a GPU binds to an operator, and no more than the network's other tensors. */
export const MOST_ZEROS_AND_ONES = 2 ** 26;

/** @param most zeros and ones at a time: the places come in parts of so many, the last one shorter */
export function tableGradient(
  g: Graph,
  { indices, rows, count }: Extract<Gradient, { kind: 'rows' }>,
  most = MOST_ZEROS_AND_ONES,
): Value {
  const places = sizeOf(indices.shape);
  const flat = reshape(g, cast(g, indices, 'float32'), [places, 1]);
  const matrix = flattenToMatrix(g, rows);
  const all = g.floats(
    Array.from({ length: count }, (_, row) => row),
    [1, count],
  );
  const part = Math.max(1, Math.floor(most / count));
  const sums = Array.from({ length: Math.ceil(places / part) }, (_, i) => {
    const range = [{ axis: 0, start: i * part, end: Math.min((i + 1) * part, places) }];
    const chosen = cast(g, equal(g, slice(g, flat, range), all), 'float32');
    return gemm(g, chosen, slice(g, matrix, range), { transA: 1 });
  });
  return sums.reduce((sum, each) => add(g, sum, each));
}

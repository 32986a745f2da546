// How a run's tensors lie in a few long vectors while a GPU holds them: starting an operator costs a GPU more than its arithmetic on
// a small tensor, so the optimiser goes over vectors. Muon's matrices, other weights that decay, and weights that do not lie apart,
// and buffers, which no gradient changes, apart from all.

import { type Weights, weightsOf } from '../networks/weights.ts';
import type { Graph, Parameter, Value } from '../onnx/graph.ts';
import { concat, reshape, slice } from '../onnx/operators.ts';
import { sizeOf } from '../onnx/shapes.ts';
import { decays } from './adamw.ts';
import { byShape } from './muon.ts';
import { isMuons, type OptimizerName } from './optimizer.ts';

interface Place {
  readonly parameter: Parameter;
  readonly start: number;
  readonly size: number;
}

export interface Group {
  readonly name: 'muon' | 'decayed' | 'plain' | 'buffers';
  readonly places: readonly Place[];
  /** A multiple of ROW: zeros come after the last tensor. */
  readonly size: number;
}

/** Vectors are added up as matrices with rows of this length. */
export const ROW = 1024;

/** Groups without parameters are left out. Muon's matrices of equal shapes follow each other. */
export function groupsOf(parameters: readonly Parameter[], optimizer: OptimizerName): Group[] {
  const groupOf = (parameter: Parameter): Group['name'] => {
    if (!parameter.trainable) return 'buffers';
    if (isMuons(parameter, optimizer)) return 'muon';
    return decays(parameter) ? 'decayed' : 'plain';
  };
  return (['muon', 'decayed', 'plain', 'buffers'] as const).flatMap((name) => {
    let end = 0;
    const members = parameters.filter((parameter) => groupOf(parameter) === name);
    const places = (name === 'muon' ? [...byShape(members).values()].flat() : members).map((parameter) => {
      const size = sizeOf(parameter.shape);
      const start = end;
      end += size;
      return { parameter, start, size };
    });
    return places.length > 0 ? [{ name, places, size: Math.ceil(end / ROW) * ROW }] : [];
  });
}

/** A group's tensors as one vector. */
export function packed({ places, size }: Group, tensors: Weights): Float32Array<ArrayBuffer> {
  const vector = new Float32Array(size);
  for (const { parameter, start } of places) vector.set(weightsOf(tensors, parameter.name), start);
  return vector;
}

/** Writes a group's vector into the tensors again. */
export function unpack({ places }: Group, vector: Float32Array, tensors: Weights): void {
  for (const { parameter, start, size } of places) {
    weightsOf(tensors, parameter.name).set(vector.subarray(start, start + size));
  }
}

/** The same in a graph: the values of a group's tensors as one vector. */
export function packValues(g: Graph, { places, size }: Group, part: (parameter: Parameter) => Value): Value {
  const parts = places.map((place) => reshape(g, part(place.parameter), [place.size]));
  const missing = places.reduce((rest, place) => rest - place.size, size);
  return concat(g, missing > 0 ? [...parts, g.floats(new Float32Array(missing))] : parts, 0);
}

/** A tensor out of its group's vector. */
export function valueAt(g: Graph, vector: Value, { parameter, start, size }: Place): Value {
  const part = slice(g, vector, [{ axis: 0, start, end: start + size }]);
  return parameter.shape.length === 1 ? part : reshape(g, part, parameter.shape);
}

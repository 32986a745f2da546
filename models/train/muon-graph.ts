// Muon as part of a graph, over its vector of packed-state.ts: the same arithmetic as muon.ts, for a GPU that keeps the state.

import type { Graph, Value } from '../onnx/graph.ts';
import { add, concat, mul, reshape, slice, sub } from '../onnx/operators.ts';
import { sizeOf } from '../onnx/shapes.ts';
import { byShape, MUON, orthogonalise, rateFactor } from './muon.ts';
import type { Group } from './packed-state.ts';

interface MuonValues {
  readonly weights: Value;
  readonly m: Value;
}

/** @param keep 1 - learning rate · weight decay, a scalar as the rate is */
export function addMuon(
  g: Graph,
  { places, size }: Group,
  { weights, m }: MuonValues,
  gradient: Value,
  { rate, keep }: { readonly rate: Value; readonly keep: Value },
): MuonValues {
  const momentum = g.scalar(MUON.momentum);
  const nextM = add(g, mul(g, m, momentum), gradient);
  const ahead = add(g, gradient, mul(g, nextM, momentum));
  const updates: Value[] = [];
  let start = 0;
  for (const members of byShape(places.map(({ parameter }) => parameter)).values()) {
    const dims = [members.length, ...members[0].shape];
    const count = sizeOf(dims);
    const matrices = reshape(g, slice(g, ahead, [{ axis: 0, start, end: start + count }]), dims);
    const factor = g.scalar(rateFactor(members[0].shape));
    updates.push(reshape(g, mul(g, orthogonalise(g, matrices), factor), [count]));
    start += count;
  }
  if (start < size) updates.push(g.floats(new Float32Array(size - start)));
  return { weights: sub(g, mul(g, weights, keep), mul(g, concat(g, updates, 0), rate)), m: nextM };
}

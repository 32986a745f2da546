// AdamW as part of a graph, over the vectors of packed-state.ts: what adamw.ts computes, for a GPU that keeps the state.

import type { Graph, Value } from '../onnx/graph.ts';
import { add, div, mul, reduceSum, reshape, sqrt, sub } from '../onnx/operators.ts';
import { partsAt } from '../onnx/shapes.ts';
import type { AdamOptions } from './adamw.ts';
import { ROW } from './packed-state.ts';

export interface AdamValues {
  readonly weights: Value;
  readonly m: Value;
  readonly v: Value;
}

/** What changes from step to step; scalars. */
export interface AdamScalars {
  /** The learning rate over 1 - beta1^step. */
  readonly stepSize: Value;
  /** √(1 - beta2^step) */
  readonly rootCorrection: Value;
  /** 1 - learning rate · weight decay; left out where weights do not decay. */
  readonly keep?: Value;
}

export function addAdamW(
  g: Graph,
  { weights, m, v }: AdamValues,
  gradient: Value,
  { beta1, beta2, epsilon }: Pick<AdamOptions, 'beta1' | 'beta2' | 'epsilon'>,
  { stepSize, rootCorrection, keep }: AdamScalars,
): AdamValues {
  const nextM = follow(g, m, gradient, g.scalar(1 - beta1));
  const square = mul(g, mul(g, gradient, gradient), g.scalar(1 - beta2));
  const nextV = add(g, mul(g, v, g.scalar(beta2)), square);
  const root = add(g, div(g, sqrt(g, nextV), rootCorrection), g.scalar(epsilon));
  const kept = keep ? mul(g, weights, keep) : weights;
  return { weights: sub(g, kept, div(g, mul(g, nextM, stepSize), root)), m: nextM, v: nextV };
}

/** mean + (x - mean) · share */
export function follow(g: Graph, mean: Value, x: Value, share: Value): Value {
  return add(g, mean, mul(g, sub(g, x, mean), share));
}

/** The length of several vectors as one. Rows first: a GPU gives each sum to one workgroup. */
export function addGlobalNorm(g: Graph, vectors: readonly Value[]): Value {
  const squares = vectors.map((vector) => {
    const rows = reshape(g, vector, [partsAt(vector.shape, 0, ROW), ROW]);
    return reduceSum(g, reduceSum(g, mul(g, rows, rows), [1], false), [0], false);
  });
  return sqrt(
    g,
    squares.reduce((sum, square) => add(g, sum, square)),
  );
}

// The symmetric contrastive loss (Radford et al. 2021, figure 3): in each row of the batch's similarities the picture's own
// caption is the class to be found, in each column the caption's own picture. A pair whose caption or class stands in the batch
// twice is no negative of its twin: `negativesMask` takes such similarities out of both softmaxes.

import type { Graph, Value } from '../onnx/graph.ts';
import { add, logSoftmax, mul, neg, reduceSum } from '../onnx/operators.ts';

/** logits [b, b], mask [b, b] added to them, targets [b, b] summing to 1 → the mean cross-entropy of both directions, a scalar. */
export function contrastiveLoss(g: Graph, logits: Value, mask: Value, targets: Value): Value {
  const masked = add(g, logits, mask);
  const logProbabilities = add(g, logSoftmax(g, masked, 1), logSoftmax(g, masked, 0));
  return neg(g, mul(g, reduceSum(g, mul(g, logProbabilities, targets), [0, 1], false), g.scalar(0.5)));
}

/** Large enough to silence a logit (at most 100), small enough that the loss's 0 · logit of a masked place stays finite. */
const MASKED = -10_000;

/** [b, b], row by row: 0, or MASKED where two different pairs share a key (a label, a caption, a picture). */
export function negativesMask(keys: readonly (readonly string[])[]): Float32Array<ArrayBuffer> {
  const size = keys.length;
  const mask = new Float32Array(size * size);
  const holders = new Map<string, number[]>();
  keys.forEach((pairKeys, pair) => {
    for (const key of pairKeys) {
      const others = holders.get(key) ?? [];
      for (const other of others) {
        if (other === pair) continue;
        mask[pair * size + other] = MASKED;
        mask[other * size + pair] = MASKED;
      }
      others.push(pair);
      holders.set(key, others);
    }
  });
  return mask;
}

/** [b, b]: each pair is its own target, with the batch's mean built in. */
export function ownTargets(size: number): Float32Array<ArrayBuffer> {
  const targets = new Float32Array(size * size);
  for (let i = 0; i < size; i++) targets[i * size + i] = 1 / size;
  return targets;
}

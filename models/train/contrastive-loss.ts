// The losses over a batch's similarities, each a function of the graph and of [b, b] inputs that say which pairs belong together.
//
// `softmax`: the symmetric contrastive loss (Radford et al. 2021, figure 3). In each row of the similarities the picture's own
// caption is the class to be found, in each column the caption's own picture.
// `sigmoid`: each similarity by itself says whether the two belong together (Zhai et al. 2023, "Sigmoid loss for language image
// pre-training", algorithm 1); it needs a learned bias, and no other pair of the batch.
//
// Pairs that share a key (a label, a caption) are twins. With `own` positives a pair is no negative of its twin and no positive
// either; with `several` all twins are positives, in equal parts (Khosla et al. 2020, "Supervised contrastive learning").

import type { Graph, Value } from '../onnx/graph.ts';
import { add, logSoftmax, mul, neg, reduceSum, softplus } from '../onnx/operators.ts';

export type Positives = 'own' | 'several';

/** By the names of the loss's inputs; each [b, b], row by row. */
export type LossInputs = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

export interface ContrastiveLoss {
  readonly inputs: readonly string[];
  /** What logit_scale (a logarithm) starts at, and the bias that is added to the logits; null where there is none. */
  readonly start: { readonly logitScale: number | null; readonly logitBias: number | null };
  /** logits [b, b] → a scalar. */
  build(g: Graph, logits: Value, inputs: Readonly<Record<string, Value>>): Value;
  inputsOf(keys: readonly (readonly string[])[], positives: Positives): LossInputs;
}

/** Large enough to silence a logit (at most 100), small enough that the loss's 0 · logit of a masked place stays finite. */
const MASKED = -10_000;

const softmaxLoss: ContrastiveLoss = {
  inputs: ['mask', 'caption_targets', 'picture_targets'],
  start: { logitScale: null, logitBias: null },
  build(g, logits, { mask, caption_targets, picture_targets }) {
    const masked = add(g, logits, mask);
    const perPicture = mul(g, logSoftmax(g, masked, 1), caption_targets);
    const perCaption = mul(g, logSoftmax(g, masked, 0), picture_targets);
    return mul(g, neg(g, reduceSum(g, add(g, perPicture, perCaption), [0, 1], false)), g.scalar(0.5));
  },
  inputsOf(keys, positives) {
    const size = keys.length;
    const mask = new Float32Array(size * size);
    const caption_targets = new Float32Array(size * size);
    const picture_targets = new Float32Array(size * size);
    for (const [pair, others] of twins(keys).entries()) {
      const share = positives === 'several' ? 1 / (others.size + 1) : 1;
      caption_targets[pair * size + pair] = share / size;
      picture_targets[pair * size + pair] = share / size;
      for (const other of others) {
        if (positives === 'own') mask[pair * size + other] = MASKED;
        else {
          caption_targets[pair * size + other] = share / size;
          picture_targets[other * size + pair] = share / size;
        }
      }
    }
    return { mask, caption_targets, picture_targets };
  },
};

const sigmoidLoss: ContrastiveLoss = {
  inputs: ['signs', 'shares'],
  // Section 3.2: so that the many negatives do not have it all their way in the beginning.
  start: { logitScale: Math.log(10), logitBias: -10 },
  build(g, logits, { signs, shares }) {
    const losses = softplus(g, neg(g, mul(g, logits, signs)));
    return reduceSum(g, mul(g, losses, shares), [0, 1], false);
  },
  inputsOf(keys, positives) {
    const size = keys.length;
    const signs = new Float32Array(size * size).fill(-1);
    const shares = new Float32Array(size * size).fill(1 / size);
    for (const [pair, others] of twins(keys).entries()) {
      signs[pair * size + pair] = 1;
      for (const other of others) {
        if (positives === 'own') shares[pair * size + other] = 0;
        else signs[pair * size + other] = 1;
      }
    }
    return { signs, shares };
  },
};

export const LOSSES = { softmax: softmaxLoss, sigmoid: sigmoidLoss } as const;
export type LossName = keyof typeof LOSSES;

/** For each pair the others that share a key with it. */
function twins(keys: readonly (readonly string[])[]): Set<number>[] {
  const found = keys.map(() => new Set<number>());
  const holders = new Map<string, number[]>();
  for (const [pair, pairKeys] of keys.entries()) {
    for (const key of pairKeys) {
      const others = holders.get(key) ?? [];
      for (const other of others) {
        if (other === pair) continue;
        found[pair].add(other);
        found[other].add(pair);
      }
      others.push(pair);
      holders.set(key, others);
    }
  }
  return found;
}

// The losses over a batch's similarities, each a function of the graph and of [b, b] inputs that say which pairs belong together.
//
// `softmax`: the symmetric contrastive loss (Radford et al. 2021, figure 3). In each row of the similarities the picture's own
// caption is the class to be found, in each column the caption's own picture.
// `sigmoid`: each similarity by itself says whether the two belong together (Zhai et al. 2023, "Sigmoid loss for language image
// pre-training", algorithm 1); it needs a learned bias, and no other pair of the batch.
//
// A caption may be true of another pair's picture: the same label, or a broader word. With `own` positives it is no negative of that
// picture and no positive either; with `several` all that is true is positive, in equal parts (Khosla et al. 2020, "Supervised
// contrastive learning"). What may or may not be true (a dog's picture, "a pug") never counts. Truth has a direction: "a cat" is true
// of a Persian cat, "a Persian cat" not of every cat; so the inputs, [picture, caption], need not be symmetric.

import { groupBy } from '../clip/group-by.ts';
import type { PairKeys } from '../data/pair-keys.ts';
import { MASKED } from '../networks/text-transformer.ts';
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
  inputsOf(keys: readonly PairKeys[], positives: Positives): LossInputs;
}

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
    const { matches, unknown } = relate(keys);
    /** Of each caption: of how many other pictures it is true. */
    const trueOf = new Uint32Array(size);
    for (const captions of matches) for (const caption of captions) trueOf[caption]++;
    for (let picture = 0; picture < size; picture++) {
      for (const caption of unknown[picture]) mask[picture * size + caption] = MASKED;
      if (positives === 'own')
        for (const caption of matches[picture]) mask[picture * size + caption] = MASKED;
      const positive = positives === 'own' ? [picture] : [picture, ...matches[picture]];
      for (const caption of positive) {
        const pictures = positives === 'own' ? 1 : trueOf[caption] + 1;
        caption_targets[picture * size + caption] = 1 / positive.length / size;
        picture_targets[picture * size + caption] = 1 / pictures / size;
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
    const { matches, unknown } = relate(keys);
    for (let picture = 0; picture < size; picture++) {
      signs[picture * size + picture] = 1;
      for (const caption of unknown[picture]) shares[picture * size + caption] = 0;
      for (const caption of matches[picture]) {
        if (positives === 'own') shares[picture * size + caption] = 0;
        else signs[picture * size + caption] = 1;
      }
    }
    return { signs, shares };
  },
};

export const LOSSES = { softmax: softmaxLoss, sigmoid: sigmoidLoss } as const;
export type LossName = keyof typeof LOSSES;

interface Relations {
  /** For each picture the other pairs' captions that are true of it. */
  readonly matches: readonly ReadonlySet<number>[];
  /** For each picture the other pairs' captions of which nobody knows. */
  readonly unknown: readonly ReadonlySet<number>[];
}

function relate(keys: readonly PairKeys[]): Relations {
  const holding = groupBy(keys.keys(), (pair) => keys[pair].holds);
  const mayHold = groupBy(keys.keys(), (pair) => keys[pair].mayHold);
  const matches = keys.map(() => new Set<number>());
  const unknown = keys.map(() => new Set<number>());
  for (const [pair, { says, closest }] of keys.entries()) {
    for (const key of says) {
      for (const picture of holding.get(key) ?? []) if (picture !== pair) matches[picture].add(pair);
      for (const picture of mayHold.get(key) ?? []) if (picture !== pair) unknown[picture].add(pair);
    }
    // Where the other's picture holds the closest that is known of this one, the other's caption may say a kind of it.
    for (const key of closest)
      for (const other of holding.get(key) ?? []) if (other !== pair) unknown[pair].add(other);
  }
  for (const [picture, captions] of matches.entries())
    for (const caption of captions) unknown[picture].delete(caption);
  return { matches, unknown };
}

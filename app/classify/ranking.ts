// One photograph's ranking as the page shows it: the best labels, how sure that is, and the number behind every word.

import { type RankedLabel, rankCosines } from '../../models/clip/ranking.ts';
import {
  CERTAINTY_WORDS,
  type Certainty,
  certainty,
  FIT_WORDS,
  standing,
  type Unrelated,
  unrelated,
} from './certainty.ts';
import type { LabelSet } from './label-vectors.ts';
import { TOP_LABELS } from './limits.ts';

export interface Ranking {
  readonly set: LabelSet;
  /** [set.labels] */
  readonly cosines: Float32Array;
  readonly logitScale: number;
  /** At least one, best first. */
  readonly top: readonly RankedLabel[];
  readonly best: RankedLabel & { readonly label: string };
  /** Null for a label without rivals: a softmax over one says 1 whatever the photograph. */
  readonly probability: number | null;
  /** Cosine of the best label above the second's; null without a second. */
  readonly margin: number | null;
  readonly certainty: Certainty;
  /** Null until the everyday words are encoded. */
  readonly unrelated: Unrelated | null;
}

/** @param everyday the photograph's cosines to everyday words; empty while they are not known */
export function rankPhoto(
  set: LabelSet,
  cosines: Float32Array,
  logitScale: number,
  everyday: ArrayLike<number>,
): Ranking | null {
  const top = rankCosines(cosines, { logitScale, topK: TOP_LABELS });
  const [first, second] = top;
  const label = first && set.labels[first.index];
  if (first === undefined || label === undefined) return null;
  const probability = second === undefined ? null : first.probability;
  const base = unrelated(everyday);
  return {
    set,
    cosines,
    logitScale,
    top,
    best: { ...first, label },
    probability,
    margin: second === undefined ? null : first.cosine - second.cosine,
    certainty: certainty(first.cosine, probability, cosines.length, base),
    unrelated: base,
  };
}

/** One label's cosine and probability (null without rivals); undefined where the label is not in the ranking. */
export function scoreOf(
  ranking: Ranking,
  label: string,
): { readonly cosine: number; readonly probability: number | null } | undefined {
  const index = ranking.set.indexOf.get(label);
  const cosine = index === undefined ? undefined : ranking.cosines[index];
  if (cosine === undefined) return undefined;
  const { best, logitScale, probability } = ranking;
  return {
    cosine,
    // A softmax' ratios are the exponentials of its arguments' differences.
    probability: probability === null ? null : probability * Math.exp(logitScale * (cosine - best.cosine)),
  };
}

export function certaintyWords({ certainty, probability }: Ranking): string {
  return (probability === null ? FIT_WORDS : CERTAINTY_WORDS)[certainty];
}

/** Where a cosine stands between what unrelated words get (0) and four deviations above it (1); null while unknown. */
export function placeOnScale(cosine: number, base: Unrelated | null): number | null {
  return base === null ? null : Math.min(1, Math.max(0, standing(cosine, base) / 4));
}

// How sure a ranking is, in words that promise no more than the numbers hold.
//
// A softmax knows only rivals: among wrong labels one still wins, perhaps with 99 %. Whether anything fits at all is
// asked of the cosines. For each photograph we know those of everyday words that have nothing to do with it
// (everyday-words.ts); near enough, they are spread normally. With m labels, the best of m words picked at random would
// reach a cosine z deviations above their mean with chance 1 - Φ(z)^m. Where that is more likely than not, the best label
// has not shown that it fits.

/** From 'sure' downwards by probability; 'nothing' where no label fits better than words at random. */
export const CERTAINTIES = ['sure', 'likely', 'unsure', 'nothing'] as const;
export type Certainty = (typeof CERTAINTIES)[number];

export const CERTAINTY_WORDS: Record<Certainty, string> = {
  sure: 'Sure',
  likely: 'Likely',
  unsure: 'Unsure',
  nothing: 'Nothing fits well',
};

/** Of one label without rivals. */
export const FIT_WORDS: Record<Certainty, string> = {
  sure: 'Fits',
  likely: 'Probably fits',
  unsure: 'Unsure',
  nothing: 'Does not fit',
};

/** Cosines of one photograph to words that have nothing to do with it. */
export interface Unrelated {
  readonly mean: number;
  readonly deviation: number;
}

/** The chance from which on a best label says no more than luck would. */
const LUCK = 0.5;
/**
 * With promptlens-mini, by `npm run -s measure:answers`, on Tiny-ImageNet, MiniPlaces and Caltech-101 with ten labels of the same set: a picture
 * of which this is said is right 93 to 97 times in 100 where its label is among the ten (76 with nine of CIFAR-10, which it never saw), and where
 * none of the ten fits it is still said of one in six. That nothing fits is said of one in four to two in five then, and of one to five
 * right answers in 100.
 */
const SURE = { probability: 0.8, luck: 0.1 } as const;
const LIKELY = 0.4;

/** Mean and standard deviation; null for fewer than two numbers or numbers that are all one. */
export function unrelated(cosines: ArrayLike<number>): Unrelated | null {
  const n = cosines.length;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const cosine = cosines[i] ?? 0;
    sum += cosine;
    squares += cosine * cosine;
  }
  const mean = sum / n;
  const variance = (squares - n * mean * mean) / (n - 1);
  return n > 1 && variance > 1e-12 ? { mean, deviation: Math.sqrt(variance) } : null;
}

/** Standard deviations above what unrelated words reach. */
export function standing(cosine: number, base: Unrelated): number {
  return (cosine - base.mean) / base.deviation;
}

/** Chance that the best of `labels` words picked at random stands this high or higher. */
export function chanceOfLuck(z: number, labels: number): number {
  return 1 - normalDistribution(z) ** labels;
}

/**
 * @param probability of the best label among its rivals; null where it has none
 * @param base null while it is not known; then only the probability speaks
 */
export function certainty(
  cosine: number,
  probability: number | null,
  labels: number,
  base: Unrelated | null,
): Certainty {
  const luck = base === null ? 0 : chanceOfLuck(standing(cosine, base), labels);
  if (luck > LUCK) return 'nothing';
  if (probability !== null) {
    if (probability >= SURE.probability && luck <= SURE.luck) return 'sure';
    return probability >= LIKELY ? 'likely' : 'unsure';
  }
  // One label alone: how far it stands above chance takes the place of a probability.
  if (base === null) return 'unsure';
  return luck < 0.01 ? 'sure' : luck < 0.05 ? 'likely' : 'unsure';
}

/** Φ, by Abramowitz and Stegun 7.1.26; absolute error under 1e-7. */
function normalDistribution(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-x * x);
  return z >= 0 ? 1 - tail / 2 : tail / 2;
}

/**
 * The words that a picture is trained with, drawn anew in every epoch: one of its captions, or one of its class's names
 * in a sentence. A pure function of (seed, epoch, row), so that a resumed run reads the same words.
 */
import { pick, randomStream } from './random.ts';
import { TRAINING_TEMPLATES } from './training-templates.ts';
import type { PairText } from './types.ts';

/** The share of bare names among the captions of labelled rows: visitors type bare names too. */
const BARE_NAME = 0.15;
/** The share of sentences with a full stop: the field's templates are written with one, visitors' words without. */
const FULL_STOP = 0.25;

export interface Draw {
  readonly seed: number;
  readonly epoch: number;
  readonly row: number;
}

/**
 * A row with captions gives one of them, each as likely as the other. A row with labels alone gives a name, the first
 * in half of the draws (zero-shot class lists go by it), bare or in one of the templates.
 */
export function drawCaption(text: Pick<PairText, 'labels' | 'captions'>, { seed, epoch, row }: Draw): string {
  const random = randomStream('caption', seed, epoch, row);
  if (text.captions.length > 0) return pick(text.captions, random);
  const [first, ...others] = text.labels;
  const name = (others.length === 0 || random() < 0.5 ? first : pick(others, random)).toLowerCase();
  if (random() < BARE_NAME) return name;
  const sentence = pick(TRAINING_TEMPLATES, random).replace('{}', () => name);
  return random() < FULL_STOP ? `${sentence}.` : sentence;
}

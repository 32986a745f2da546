// Of all that a repository or folder holds, the files that a model needs to run in some precisions.

import { CPU_PRECISIONS, precisionFiles, precisionsOf } from './encoder-files.ts';
import { MODEL_CARD } from './model-card.ts';
import { SELF_TEST } from './selftest.ts';
import type { Precision } from './types.ts';

/** A tokenizer's, of today or, the last two, of old. */
export const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
] as const;

/** What describes a model; its card says the licence. */
export const DESCRIPTIONS = [
  'config.json',
  'preprocessor_config.json',
  ...TOKENIZER_FILES,
  SELF_TEST,
  MODEL_CARD,
] as const;

/** The precisions that it has. Throws a sentence where it has none; `name` is the repository's or folder's. */
export function expectPrecisions(files: readonly { readonly path: string }[], name: string): Precision[] {
  const there = precisionsOf(files);
  if (there.length > 0) return there;
  throw new Error(
    `${name} holds no onnx/vision_model and onnx/text_model in the same precision, which the page runs; ` +
      'export it with `npm run -s import`, or choose another model.',
  );
}

/**
 * Where it is free to, what suits a CPU best: it runs on every device, and a GPU's fp16 is twice the download. Throws a sentence where
 * the precision is not there; `name` is the repository's or folder's.
 */
export function choosePrecision(
  files: readonly { readonly path: string }[],
  wanted: 'auto' | Precision,
  name: string,
): Precision {
  const there = expectPrecisions(files, name);
  const chosen = wanted === 'auto' ? CPU_PRECISIONS.find((each) => there.includes(each)) : wanted;
  if (chosen !== undefined && there.includes(chosen)) return chosen;
  throw new Error(`${name} has no encoders in ${wanted}; it has ${there.join(', ')}. Choose one of these.`);
}

/** The same for each of several, or for one that is free to choose. */
export function choosePrecisions(
  files: readonly { readonly path: string }[],
  wanted: readonly Precision[] | undefined,
  name: string,
): Precision[] {
  return (wanted ?? (['auto'] as const)).map((each) => choosePrecision(files, each, name));
}

/** The descriptions, and the encoders with the weights beside them. */
export function wantedFiles<File extends { readonly path: string }>(
  files: readonly File[],
  precisions: readonly Precision[],
): File[] {
  return [
    ...files.filter(isDescription),
    ...precisions.flatMap((precision) => precisionFiles(files, precision)),
  ];
}

export function isDescription({ path }: { readonly path: string }): boolean {
  return DESCRIPTIONS.some((description) => description === path);
}

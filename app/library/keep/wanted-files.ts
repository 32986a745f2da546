// Of all that a repository or folder holds, the files that the page needs to run a model in one precision.

import { encoderPath, PRECISIONS } from '../../../models/clip/precisions.ts';
import type { Encoder, Precision } from '../../../models/clip/types.ts';
import { WASM_PRECISIONS } from '../../inference/plan.ts';

/** What describes a model. The tokenizer is either of the two; a model card says the licence. */
export const DESCRIPTIONS = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
  'selftest.json',
  'README.md',
] as const;

const ENCODERS: readonly Encoder[] = ['vision_model', 'text_model'];

/** Those of which both encoders are there. */
export function precisionsIn(paths: readonly string[]): Precision[] {
  return PRECISIONS.filter((precision) =>
    ENCODERS.every((encoder) => paths.includes(encoderPath(encoder, precision))),
  );
}

/**
 * Where it is free to, what suits WebAssembly best: folders from elsewhere have no self-test to check a GPU's answers with. Throws a
 * sentence where the precision is not there; `name` is the repository's or folder's.
 */
export function choosePrecision(
  paths: readonly string[],
  wanted: 'auto' | Precision,
  name: string,
): Precision {
  const there = precisionsIn(paths);
  const chosen = wanted === 'auto' ? WASM_PRECISIONS.find((each) => there.includes(each)) : wanted;
  if (chosen !== undefined && there.includes(chosen)) return chosen;
  if (there.length > 0) {
    throw new Error(`${name} has no encoders in ${wanted}; it has ${there.join(', ')}. Choose one of these.`);
  }
  throw new Error(
    `${name} holds no onnx/vision_model and onnx/text_model in the same precision, which the page runs; ` +
      'export it with `npm run -s import`, or choose another model.',
  );
}

/** The descriptions, and the encoders with the weights beside them (`….onnx_data`). */
export function wantedFiles<File extends { readonly path: string }>(
  files: readonly File[],
  precisions: readonly Precision[],
): File[] {
  const graphs = precisions.flatMap((precision) =>
    ENCODERS.map((encoder) => encoderPath(encoder, precision)),
  );
  return files.filter(
    ({ path }) =>
      DESCRIPTIONS.some((description) => description === path) ||
      graphs.some((graph) => path === graph || path.startsWith(`${graph}_data`)),
  );
}

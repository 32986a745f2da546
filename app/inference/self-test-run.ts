// Runs a folder's self-test on the device at hand. Where the encoders are run for it, it is also the warm-up: the first
// run of a session is the slow one.

import type { ModelFolder } from '../../models/clip/model-folder.ts';
import { preprocess } from '../../models/clip/preprocess.ts';
import {
  checkSelfTest,
  SELF_TEST,
  SELF_TEST_FLOOR,
  type SelfTest,
  selfTestImage,
} from '../../models/clip/selftest.ts';
import type { Encoders } from './engine.ts';
import type { Attempt } from './plan.ts';
import type { Backend } from './types.ts';

/** WASM computes as Node did when selftest.json was written, so that a difference there is the weights'. */
const FAILED = {
  webgpu: 'The GPU computes wrongly',
  wasm: 'The weights are damaged, or of another export than the rest of the folder; upload the model again',
} as const satisfies Record<Backend, string>;

/** A self-test's picture as a model's vector. */
export async function encodeTestImage(
  { encodeImages }: Pick<Encoders, 'encodeImages'>,
  { preprocessing }: ModelFolder,
  { image }: Pick<SelfTest, 'image'>,
): Promise<Float32Array> {
  const [vector] = await encodeImages(preprocess(selfTestImage(image), preprocessing), 1);
  return vector ?? noVector();
}

/** … and its prompt. */
export async function encodeTestPrompt(
  { encodeTexts }: Pick<Encoders, 'encodeTexts'>,
  { tokenizer }: ModelFolder,
  { prompt }: Pick<SelfTest, 'prompt'>,
): Promise<Float32Array> {
  const [vector] = await encodeTexts(tokenizer.encodeBatch([prompt]));
  return vector ?? noVector();
}

function noVector(): never {
  throw new Error('The self-test got no vector back.');
}

/**
 * The cosine with the vectors that `selfTest` has for the attempt's precision; null where there is nothing to compare with: none
 * for the precision, or WebAssembly's own. Throws a sentence where the device is not to be trusted.
 */
export async function runSelfTest(
  selfTest: SelfTest,
  folder: ModelFolder,
  { backend, precision }: Pick<Attempt, 'backend' | 'precision'>,
  encoders: Encoders,
): Promise<number | null> {
  if (backend === 'wasm' && selfTest.madeOnDevice) return null;
  const image = await encodeTestImage(encoders, folder, selfTest);
  const text = await encodeTestPrompt(encoders, folder, selfTest);
  const cosine = checkSelfTest(selfTest, precision, image, text);
  if (cosine !== null && cosine < SELF_TEST_FLOOR) {
    throw new Error(
      `${FAILED[backend]}: the self-test’s vectors reach cosine ${cosine.toFixed(4)} with those of ${SELF_TEST}; ` +
        `${SELF_TEST_FLOOR} is the least.`,
    );
  }
  return cosine;
}

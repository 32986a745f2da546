// Runs a folder's self-test on the device at hand. It is also the warm-up: the first run of a session is the slow one.

import { parseJson } from '../../models/clip/checked.ts';
import type { ModelFolder } from '../../models/clip/model-folder.ts';
import { preprocess } from '../../models/clip/preprocess.ts';
import {
  checkSelfTest,
  parseSelfTest,
  SELF_TEST,
  SELF_TEST_FLOOR,
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

/**
 * The cosine with the vectors that `file`, the folder's selftest.json, has for the attempt's precision; null where it has none.
 * Throws a sentence where the device is not to be trusted.
 */
export async function runSelfTest(
  file: Uint8Array<ArrayBuffer>,
  folder: ModelFolder,
  { backend, precision }: Attempt,
  encoders: Encoders,
): Promise<number | null> {
  const selfTest = parseSelfTest(parseJson(file, SELF_TEST), SELF_TEST);
  const [image] = await encoders.encodeImages(
    preprocess(selfTestImage(selfTest.image), folder.preprocessing),
    1,
  );
  const [text] = await encoders.encodeTexts(folder.tokenizer.encodeBatch([selfTest.prompt]));
  if (image === undefined || text === undefined) throw new Error('The self-test got no vector back.');
  const cosine = checkSelfTest(selfTest, precision, image, text);
  if (cosine !== null && cosine < SELF_TEST_FLOOR) {
    throw new Error(
      `${FAILED[backend]}: the self-test’s vectors reach cosine ${cosine.toFixed(4)} with those of ${SELF_TEST}; ` +
        `${SELF_TEST_FLOOR} is the least.`,
    );
  }
  return cosine;
}

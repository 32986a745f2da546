// A self-test for a model that brings none, as those of a hub: what WebAssembly gives on this device for the question that our export
// asks too, in each precision that a GPU here would be asked for. A GPU is compared with its own precision's vectors alone, so
// that a precision's error is no matter here either.

import { precisionsOf } from '../../models/clip/encoder-files.ts';
import { messageOf } from '../../models/clip/message-of.ts';
import { type ModelFolder, readModelFolder } from '../../models/clip/model-folder.ts';
import { normalize } from '../../models/clip/ranking.ts';
import {
  type SelfTest,
  type SelfTestVectors,
  selfTestQuestion,
  selfTestVectors,
} from '../../models/clip/selftest.ts';
import type { FolderSource, Precision } from '../../models/clip/types.ts';
import { createImageTower, createTextTower } from './encoders.ts';
import { type Adapter, type Attempt, gpuPrecisions, type NoAdapter } from './plan.ts';
import { readEncoder } from './read-encoder.ts';
import type { Runtime } from './runtime.ts';
import { encodeTestImage, encodeTestPrompt } from './self-test-run.ts';

export interface MadeSelfTest {
  /** Null where the one before stays as it is. */
  readonly selfTest: SelfTest | null;
  /** Why there are no vectors of a precision, as a sentence; or null. */
  readonly problem: string | null;
}

/** @param before the one that was made of the same folder when it had fewer precisions; null where there is none */
export type MakeSelfTest = (folder: FolderSource, before: SelfTest | null) => Promise<MadeSelfTest>;

export interface ReferenceParts {
  readonly findAdapter: () => Promise<Adapter | NoAdapter>;
  /** As where the model will be loaded: what no GPU will run is not computed. */
  readonly allowSoftwareAdapter: boolean;
  /** WebAssembly's; called at most once for each model, and not where there is nothing to compute. */
  readonly startRuntime: () => Promise<Runtime>;
}

export function createSelfTestMaker({
  findAdapter,
  allowSoftwareAdapter,
  startRuntime,
}: ReferenceParts): MakeSelfTest {
  return async (source, before) => {
    const there = precisionsOf(await source.list());
    const missing = gpuPrecisions(await findAdapter(), allowSoftwareAdapter).filter(
      (precision) => there.includes(precision) && before?.vectors[precision] === undefined,
    );
    if (missing.length === 0) return { selfTest: null, problem: null };
    const vectors: SelfTest['vectors'] = { ...before?.vectors };
    const folder = await readModelFolder(source);
    const question = before ?? selfTestQuestion(folder.preprocessing);
    const problems: string[] = [];
    let runtime: Promise<Runtime> | null = null;
    for (const precision of missing) {
      try {
        runtime ??= startRuntime();
        vectors[precision] = await reference(await runtime, source, folder, precision, question);
      } catch (error) {
        problems.push(problemWords(precision, error));
      }
    }
    const gained = missing.length > problems.length;
    return {
      selfTest: gained ? { ...question, madeOnDevice: true, vectors } : null,
      problem: problems.length > 0 ? problems.join(' ') : null,
    };
  };
}

/** One encoder after the other, so that the larger alone has to find room. */
async function reference(
  runtime: Runtime,
  source: FolderSource,
  folder: ModelFolder,
  precision: Precision,
  question: Pick<SelfTest, 'image' | 'prompt'>,
): Promise<SelfTestVectors> {
  const attempt: Attempt = { backend: 'wasm', precision, threads: 1, build: 'wasm', adapter: null };
  const read = (encoder: 'vision_model' | 'text_model') =>
    readEncoder(source, folder.files, encoder, precision);
  const vision = await createImageTower(runtime, attempt, folder, await read('vision_model'));
  const image = await encodeTestImage(vision, folder, question).finally(vision.release);
  const text = await createTextTower(runtime, attempt, folder, await read('text_model'));
  const prompt = await encodeTestPrompt(text, folder, question).finally(text.release);
  return selfTestVectors(normalize(image), normalize(prompt));
}

function problemWords(precision: Precision, error: unknown): string {
  const reason = messageOf(error);
  return `It will not run on the GPU in ${precision}: WebAssembly could not compute what a GPU’s answers are compared with (${reason.replace(/[.\s]*$/, '')}).`;
}

// What was exported, compared with the trained network: cosines, size and speed of each precision, and the vectors of its self-test.

import { encoderBytes } from '../clip/encoder-files.ts';
import { type ModelFolder, readModelFolder } from '../clip/model-folder.ts';
import { imageSize, preprocess } from '../clip/preprocess.ts';
import { type SelfTest, selfTestImage, selfTestQuestion, selfTestVectors } from '../clip/selftest.ts';
import type { Precision, RgbImage } from '../clip/types.ts';
import { directorySource } from '../files/folder.ts';
import { type NodeModel, openModel } from '../inference/model.ts';
import { type Agreement, agreement, probePictures, probePrompts } from './agreement.ts';
import { hasEncodersAlone } from './found-encoders.ts';
import { openReference, type Reference } from './reference.ts';
import { readTrainedFolder } from './trained-folder.ts';

export interface Measured {
  readonly precision: Precision;
  /** Of both encoders, with the weights beside them. */
  readonly bytes: number;
  /** With the vectors of the trained network, or of the best encoders. */
  readonly image: Agreement;
  readonly text: Agreement;
  /** Median of single pictures, without decoding and preprocessing. */
  readonly millisecondsPerPicture: number;
}

/** Plain data: it goes to another process. */
export interface MeasureRequest {
  /** The folder with model.safetensors, or with encoders alone, and the one with the encoders to measure. */
  readonly trained: string;
  readonly stage: string;
  readonly precisions: readonly Precision[];
  readonly threads: number;
  /** Pictures to compare by, beside made ones. */
  readonly images: readonly RgbImage[];
}

export interface MeasureResult {
  readonly measured: readonly Measured[];
  readonly selfTest: SelfTest;
}

/** For a model that names no templates of its own. */
const PLAIN_TEMPLATE = 'a photo of a {}.';

/** Compares what was staged with the trained network, and notes what each precision gives for the self-test. */
export async function measure(
  { trained, stage, precisions, threads, images }: MeasureRequest,
  onMeasured: (measured: Measured) => void,
): Promise<MeasureResult> {
  const folder = await readModelFolder(directorySource(stage));
  const question = selfTestQuestion(folder.preprocessing);
  const pictures = [...probePictures(), ...images];

  const prompts = probePrompts(folder.config.prompt_templates ?? [PLAIN_TEMPLATE]);
  const reference = await openNetwork(trained, stage, folder, threads);
  const expectedImages = await reference.embedImages(pictures);
  const expectedTexts = await reference.embedTexts(prompts);
  await reference.close();

  const measured: Measured[] = [];
  const vectors: SelfTest['vectors'] = {};
  for (const precision of precisions) {
    const model = await openModel(stage, { precision, threads });
    const [image] = await model.embedImages([selfTestImage(question.image)]);
    const [text] = await model.embedTexts([question.prompt]);
    vectors[precision] = selfTestVectors(image, text);
    const result: Measured = {
      precision,
      bytes: encoderBytes(folder.files, precision),
      image: agreement(expectedImages, await model.embedImages(pictures)),
      text: agreement(expectedTexts, await model.embedTexts(prompts)),
      millisecondsPerPicture: await timePerPicture(model),
    };
    await model.close();
    measured.push(result);
    onMeasured(result);
  }
  return { measured, selfTest: { ...question, vectors } };
}

/** The trained network, or the best of the encoders where they are all that there is. */
async function openNetwork(
  trained: string,
  stage: string,
  folder: ModelFolder,
  threads: number,
): Promise<Reference> {
  if (await hasEncodersAlone(trained)) return openModel(stage, { precision: folder.precisions[0], threads });
  const { config, weights } = await readTrainedFolder(trained);
  return openReference(config, weights, folder, threads);
}

/** Median of single pictures after the first two, which find the runtime cold. */
async function timePerPicture(model: NodeModel): Promise<number> {
  const { width, height } = imageSize(model.preprocessing);
  const pixels = preprocess(
    selfTestImage({ recipe: 'gradient-noise', seed: 2, width, height }),
    model.preprocessing,
  );
  const times: number[] = [];
  for (let run = 0; run < 11; run++) {
    const start = performance.now();
    await model.embedPixelValues(pixels, 1);
    if (run >= 2) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}

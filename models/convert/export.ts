// From a trained folder to one that the page can use: the two encoders in each precision, selftest.json and manifest.json.
// Everything is written into a hidden folder beside its place, opened there the way everyone opens a model, and compared with
// the trained network; only when all is well do `onnx/` and the two lists take the place of what was there before.

import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { type Manifest, sha256 } from '../clip/manifest.ts';
import { encoderPath, readModelFolder } from '../clip/model-folder.ts';
import { imageSize, preprocess } from '../clip/preprocess.ts';
import { type SelfTest, type SelfTestRecipe, selfTestImage } from '../clip/selftest.ts';
import type { Precision, RgbImage } from '../clip/types.ts';
import { directorySource, writeFileWhole } from '../files/folder.ts';
import { type NodeModel, openModel } from '../inference/model.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import type { Graph } from '../onnx/graph.ts';
import { toModelProto } from '../onnx/model-proto.ts';
import { foldConstants } from '../onnx/precision/fold-constants.ts';
import { toFp16 } from '../onnx/precision/fp16.ts';
import { toQ8 } from '../onnx/precision/q8.ts';
import { type ModelProto, ModelProtoSchema } from '../onnx/proto/onnx_pb.ts';
import { type Agreement, agreement, probePictures, probePrompts } from './agreement.ts';
import { combinedModel } from './combined-model.ts';
import { openReference } from './reference.ts';
import { readTrainedFolder, type TrainedFolder } from './trained-folder.ts';

/** How each precision is made from the fp32 model. */
const CONVERSIONS = {
  fp32: (model: ModelProto) => model,
  fp16: toFp16,
  q8: toQ8,
} as const satisfies Partial<Record<Precision, (model: ModelProto) => ModelProto>>;

export type ExportPrecision = keyof typeof CONVERSIONS;
export const EXPORT_PRECISIONS = Object.keys(CONVERSIONS) as readonly ExportPrecision[];

/** A precision whose vectors point elsewhere than the trained network's is another model. */
export const LEAST_MEAN_COSINE = 0.98;

export interface ExportOptions {
  /** All by default. */
  readonly precisions?: readonly ExportPrecision[];
  /** Also writes the graph of both encoders that transformers.js' zero-shot pipeline reads. */
  readonly combined?: boolean;
  /** Pictures to compare by, beside those that export makes itself. */
  readonly images?: readonly RgbImage[];
  readonly threads?: number;
  /** Writes a precision that is too far from the trained network all the same. */
  readonly force?: boolean;
  /** Rejects with its reason between two steps of the work, after what was staged is taken away. */
  readonly signal?: AbortSignal;
  /** Called as each precision is measured. */
  readonly onMeasured?: (measured: Measured) => void;
}

export interface Measured {
  readonly precision: ExportPrecision;
  /** Of both encoders. */
  readonly bytes: number;
  /** With the trained network's vectors. */
  readonly image: Agreement;
  readonly text: Agreement;
  /** Median of single pictures, without decoding and preprocessing. */
  readonly millisecondsPerPicture: number;
}

/** What belongs to a model beside its encoders; a folder has those that its tokenizer needs. */
const SIDE_FILES = [
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
];
const SELF_TEST_PROMPT = 'a photo of a cat';
/** For a model that names no templates of its own. */
const PLAIN_TEMPLATE = 'a photo of a {}.';

/**
 * Replaces the folder's onnx/, selftest.json and manifest.json, and puts the trained logit_scale into config.json where it is
 * not there yet. Where it rejects, the folder is as it was.
 */
export async function exportModel(path: string, options: ExportOptions = {}): Promise<Measured[]> {
  const { threads = availableParallelism(), signal } = options;
  const wanted = options.precisions ?? EXPORT_PRECISIONS;
  const precisions = EXPORT_PRECISIONS.filter((precision) => wanted.includes(precision));
  const trained = await readTrainedFolder(path);
  const stage = join(path, `.export-${randomUUID()}`);
  try {
    const sides = await stageSideFiles(path, stage, trained);
    const encoders: string[] = [];
    for (const precision of precisions) {
      signal?.throwIfAborted();
      encoders.push(...(await stageEncoders(stage, trained, precision, options)));
    }
    const { measured, selfTest } = await measure(stage, trained, precisions, threads, options);
    const tooFar = measured.filter(
      ({ image, text }) => !(Math.min(image.mean, text.mean) >= LEAST_MEAN_COSINE),
    );
    if (tooFar.length > 0 && !options.force) {
      const names = tooFar.map(({ precision }) => precision).join(' and ');
      throw new Error(
        `${path} was not exported: the mean cosine of ${names} with the trained network is below ${LEAST_MEAN_COSINE}. Leave it out of --precision, or write it all the same with --force.`,
      );
    }
    await writeFileWhole(join(stage, 'selftest.json'), `${JSON.stringify(selfTest)}\n`);
    const listed = await manifest(stage, [...sides, ...encoders, 'selftest.json']);
    await writeFileWhole(join(stage, 'manifest.json'), `${JSON.stringify(listed, null, 2)}\n`);
    signal?.throwIfAborted();
    await takeTheirPlaces(stage, path, ['onnx', 'config.json', 'selftest.json', 'manifest.json']);
    return measured;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** The paths of what a page downloads beside the encoders. */
async function stageSideFiles(path: string, stage: string, { configFile }: TrainedFolder): Promise<string[]> {
  await mkdir(stage);
  await writeFileWhole(join(stage, 'config.json'), configFile);
  const present = new Set(await readdir(path));
  const found = SIDE_FILES.filter((file) => present.has(file));
  for (const file of found) await copyFile(join(path, file), join(stage, file));
  return ['config.json', ...found];
}

/** Writes one precision; the paths of its two encoders. */
async function stageEncoders(
  stage: string,
  { config, weights, logitScale }: TrainedFolder,
  precision: ExportPrecision,
  { combined }: ExportOptions,
): Promise<string[]> {
  const convert = (graph: Graph) => CONVERSIONS[precision](foldConstants(toModelProto(graph, weights)));
  const write = (file: string, model: ModelProto) =>
    writeFileWhole(join(stage, file), toBinary(ModelProtoSchema, model));
  const vision = convert(visionEncoder(config));
  const text = convert(textEncoder(config));
  const [visionPath, textPath] = [
    encoderPath('vision_model', precision),
    encoderPath('text_model', precision),
  ];
  await write(visionPath, vision);
  await write(textPath, text);
  // The pipeline that reads it has names of its own; the page never asks for it, so it is in no manifest.
  if (combined)
    await write(visionPath.replace('vision_model', 'model'), combinedModel(vision, text, logitScale));
  return [visionPath, textPath];
}

/** Compares what was staged with the trained network, and notes what each precision gives for the self-test. */
async function measure(
  stage: string,
  { config, weights }: TrainedFolder,
  precisions: readonly ExportPrecision[],
  threads: number,
  { images = [], signal, onMeasured }: ExportOptions,
): Promise<{ measured: Measured[]; selfTest: SelfTest }> {
  const folder = await readModelFolder(directorySource(stage));
  const { width, height } = imageSize(folder.preprocessing);
  const recipe: SelfTestRecipe = { recipe: 'gradient-noise', seed: 1, width: 2 * width, height: height + 16 };
  const pictures = [...probePictures(), ...images];
  const prompts = probePrompts(config.prompt_templates ?? [PLAIN_TEMPLATE]);

  const reference = await openReference(config, weights, folder, threads);
  const expectedImages = await reference.embedImages(pictures);
  const expectedTexts = await reference.embedTexts(prompts);
  await reference.close();

  const measured: Measured[] = [];
  const vectors: SelfTest['vectors'] = {};
  for (const precision of precisions) {
    signal?.throwIfAborted();
    const model = await openModel(stage, { precision, threads });
    const [image_embeds] = await model.embedImages([selfTestImage(recipe)]);
    const [text_embeds] = await model.embedTexts([SELF_TEST_PROMPT]);
    vectors[precision] = { image_embeds: rounded(image_embeds), text_embeds: rounded(text_embeds) };
    const result: Measured = {
      precision,
      bytes: await bytesOf(stage, precision),
      image: agreement(expectedImages, await model.embedImages(pictures)),
      text: agreement(expectedTexts, await model.embedTexts(prompts)),
      millisecondsPerPicture: await timePerPicture(model),
    };
    await model.close();
    measured.push(result);
    onMeasured?.(result);
  }
  return { measured, selfTest: { image: recipe, prompt: SELF_TEST_PROMPT, vectors } };
}

/** Seven digits: float32 has no more. */
function rounded(vector: Float32Array): number[] {
  return Array.from(vector, (value) => Number(value.toPrecision(7)));
}

async function bytesOf(stage: string, precision: Precision): Promise<number> {
  const vision = await stat(join(stage, encoderPath('vision_model', precision)));
  const text = await stat(join(stage, encoderPath('text_model', precision)));
  return vision.size + text.size;
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

async function manifest(stage: string, paths: readonly string[]): Promise<Manifest> {
  const files = [...paths].sort().map(async (path) => {
    const content = await readFile(join(stage, path));
    return { path, bytes: content.length, sha256: await sha256(content) };
  });
  return { files: await Promise.all(files) };
}

/** Moves what was staged to where it belongs; what was there before moves into the stage, and comes back where that fails. */
async function takeTheirPlaces(stage: string, path: string, names: readonly string[]): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  const move = async (from: string, to: string) => {
    await rename(from, to);
    undo.unshift(() => rename(to, from));
  };
  const present = new Set(await readdir(path));
  try {
    for (const name of names) {
      if (present.has(name)) await move(join(path, name), join(stage, `${name}.before`));
      await move(join(stage, name), join(path, name));
    }
  } catch (error) {
    for (const step of undo) await step();
    throw new Error(
      `${path} could not be written: ${error instanceof Error ? error.message : String(error)}. It is as it was.`,
      {
        cause: error,
      },
    );
  }
}

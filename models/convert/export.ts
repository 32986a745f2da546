// From a trained folder to one that the page can use: the two encoders in each precision, selftest.json and manifest.json. (Of a
// folder with encoders and no weights, another exporter's, the two lists alone are made: found-encoders.ts.)
//
// Everything is written into a hidden folder beside its place, opened there the way everyone opens a model, and compared with
// the trained network; only when all is well do `onnx/` and the two lists take the place of what was there before.

import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { encoderPath, PRECISIONS } from '../clip/encoder-files.ts';
import type { Manifest } from '../clip/manifest.ts';
import { messageOf } from '../clip/message-of.ts';
import type { Precision, RgbImage } from '../clip/types.ts';
import { TOKENIZER_FILES } from '../clip/wanted-files.ts';
import { writeFileWhole } from '../files/folder.ts';
import { hashFile } from '../files/hash-file.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import type { Graph } from '../onnx/graph.ts';
import { toModelProto } from '../onnx/model-proto.ts';
import { foldConstants } from '../onnx/precision/fold-constants.ts';
import { toFp16 } from '../onnx/precision/fp16.ts';
import { toQ4, toQ4F16 } from '../onnx/precision/q4.ts';
import { toQ8 } from '../onnx/precision/q8.ts';
import type { ModelProto } from '../onnx/proto/onnx_pb.ts';
import { streamModel } from '../onnx/stream-model.ts';
import { combinedModel } from './combined-model.ts';
import { foundPrecisions, hasEncodersAlone, stageFoundEncoders } from './found-encoders.ts';
import type { Measured } from './measure.ts';
import { measureApart } from './measure-process.ts';
import { type OpenedFolder, openTrainedFolder } from './trained-folder.ts';

/** How each precision is made from the fp32 model. */
const CONVERSIONS = {
  fp32: (model: ModelProto) => model,
  fp16: toFp16,
  q8: toQ8,
  q4: toQ4,
  q4f16: toQ4F16,
} as const satisfies Partial<Record<Precision, (model: ModelProto) => ModelProto>>;

export type ExportPrecision = keyof typeof CONVERSIONS;
export const EXPORT_PRECISIONS = Object.keys(CONVERSIONS) as readonly ExportPrecision[];
/** Made where nobody says which: fp32 for any device, fp16 for WebGPU, q8 for WebAssembly. */
export const USUAL_PRECISIONS: readonly ExportPrecision[] = ['fp32', 'fp16', 'q8'];

/** Throws a sentence where a precision is not made here, of whatever weights: better before a download than after it. */
export function refuseUnmade(name: string, wanted: readonly Precision[]): void {
  const others = wanted.filter((precision) => !(precision in CONVERSIONS));
  if (others.length === 0) return;
  throw new Error(
    `${name} was not exported: encoders in ${others.join(' and ')} are not made here, those in ${EXPORT_PRECISIONS.join(', ')} are. Name some of these in --precision.`,
  );
}

/** A precision whose vectors point elsewhere than the trained network's is another model. */
export const LEAST_MEAN_COSINE = 0.98;

export interface ExportOptions {
  /** USUAL_PRECISIONS by default, and of another exporter's folder all that are there; some of them are not made here. */
  readonly precisions?: readonly Precision[];
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

/** What belongs to a model beside its encoders; a folder has those that its tokenizer needs. */
const SIDE_FILES = ['preprocessor_config.json', ...TOKENIZER_FILES];

/**
 * Replaces the folder's onnx/, selftest.json and manifest.json, and puts into config.json what training of old left out (see
 * configFile in trained-folder.ts); of a folder with encoders alone the two lists. Where it rejects, the folder is as it was, or the sentence
 * says where its files lie.
 */
export async function exportModel(path: string, options: ExportOptions = {}): Promise<readonly Measured[]> {
  const { threads = availableParallelism(), signal } = options;
  const stage = join(path, `.export-${randomUUID()}`);
  let holdsOriginals = false;
  try {
    const found = await hasEncodersAlone(path);
    const wanted = options.precisions ?? (found ? await foundPrecisions(path) : USUAL_PRECISIONS);
    const precisions = PRECISIONS.filter((precision) => wanted.includes(precision));
    const { sides, encoders } = await (found ? stageFound : stageModel)(path, stage, precisions, options);
    const { images = [], onMeasured } = options;
    const asked = { trained: path, stage, precisions, threads, images };
    const { measured, selfTest } = await measureApart(asked, { signal, onMeasured });
    const tooFar = measured.filter(
      ({ image, text }) => !(Math.min(image.mean, text.mean) >= LEAST_MEAN_COSINE),
    );
    if (tooFar.length > 0 && !options.force) {
      const names = tooFar.map(({ precision }) => precision).join(' and ');
      throw new Error(
        `${path} was not exported: the mean cosine of ${names} with ${found ? 'its best encoders' : 'the trained network'} is below ${LEAST_MEAN_COSINE}. Leave it out of --precision, or write it all the same with --force.`,
      );
    }
    await writeFileWhole(join(stage, 'selftest.json'), `${JSON.stringify(selfTest)}\n`);
    const listed = await manifest(stage, [...sides, ...encoders, 'selftest.json']);
    await writeFileWhole(join(stage, 'manifest.json'), `${JSON.stringify(listed, null, 2)}\n`);
    signal?.throwIfAborted();
    const made = found ? [] : ['onnx', 'config.json'];
    await takeTheirPlaces(stage, path, [...made, 'selftest.json', 'manifest.json']);
    return measured;
  } catch (error) {
    holdsOriginals = error instanceof NotPutBack;
    throw error;
  } finally {
    if (!holdsOriginals) await rm(stage, { recursive: true, force: true });
  }
}

/** Writes all but self-test and manifest; the paths of what a page downloads. */
async function stageModel(
  path: string,
  stage: string,
  wanted: readonly Precision[],
  options: ExportOptions,
): Promise<{ sides: string[]; encoders: string[] }> {
  refuseUnmade(path, wanted);
  const precisions = EXPORT_PRECISIONS.filter((precision) => wanted.includes(precision));
  const trained = await openTrainedFolder(path);
  try {
    const sides = await stageSideFiles(path, stage, trained.configFile);
    const encoders: string[] = [];
    for (const precision of precisions) {
      options.signal?.throwIfAborted();
      encoders.push(...(await stageEncoders(stage, trained, precision, options)));
    }
    return { sides, encoders };
  } finally {
    await trained.close();
  }
}

async function stageFound(
  path: string,
  stage: string,
  precisions: readonly Precision[],
  { combined }: ExportOptions,
): Promise<{ sides: string[]; encoders: string[] }> {
  if (combined) {
    throw new Error(
      `${path} was not exported: the graph of both encoders is made of their weights, and there is no model.safetensors. Leave --combined out.`,
    );
  }
  const sides = await stageSideFiles(path, stage, await readFile(join(path, 'config.json')));
  return { sides, encoders: await stageFoundEncoders(path, stage, precisions) };
}

/** The paths of what a page downloads beside the encoders. */
async function stageSideFiles(
  path: string,
  stage: string,
  configFile: string | Uint8Array,
): Promise<string[]> {
  await mkdir(stage);
  await writeFileWhole(join(stage, 'config.json'), configFile);
  const present = new Set(await readdir(path));
  const found = SIDE_FILES.filter((file) => present.has(file));
  for (const file of found) await copyFile(join(path, file), join(stage, file));
  return ['config.json', ...found];
}

/** Writes one precision, constant by constant; the paths of its two encoders, and of what lies beside a very large one. */
async function stageEncoders(
  stage: string,
  { config, weights, logitScale }: OpenedFolder,
  precision: ExportPrecision,
  { combined }: ExportOptions,
): Promise<string[]> {
  const convert = (graph: Graph) => CONVERSIONS[precision](foldConstants(toModelProto(graph, weights)));
  const write = async (path: string, model: ModelProto): Promise<string[]> => {
    const isSplit = await writeModel(join(stage, path), model);
    return isSplit ? [path, `${path}_data`] : [path];
  };
  const vision = convert(visionEncoder(config));
  const text = convert(textEncoder(config));
  const visionPath = encoderPath('vision_model', precision);
  const written = [
    ...(await write(visionPath, vision)),
    ...(await write(encoderPath('text_model', precision), text)),
  ];
  // The pipeline that reads it has names of its own; the page never asks for it, so it is in no manifest.
  if (combined)
    await write(visionPath.replace('vision_model', 'model'), combinedModel(vision, text, logitScale));
  return written;
}

/** Constant by constant; whether a file of constants lies beside it now. */
async function writeModel(path: string, model: ModelProto): Promise<boolean> {
  const { graph, data } = streamModel(model, `${basename(path)}_data`);
  if (data) await writeFileWhole(`${path}_data`, data);
  await writeFileWhole(path, graph);
  return data !== null;
}

/** The encoders alone, in fp32, as `<folder>/vision_model.onnx` and `text_model.onnx`: what each precision is made from. */
export async function writeFp32Encoders({ config, weights }: OpenedFolder, folder: string): Promise<void> {
  const encoders = { vision_model: visionEncoder(config), text_model: textEncoder(config) };
  for (const [name, graph] of Object.entries(encoders))
    await writeModel(join(folder, `${name}.onnx`), foldConstants(toModelProto(graph, weights)));
}

async function manifest(stage: string, paths: readonly string[]): Promise<Manifest> {
  const files: Manifest['files'][number][] = [];
  for (const path of [...paths].sort())
    files.push({ path, ...(await hashFile(join(stage, path), 'sha256')) });
  return { files };
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
  } catch (cause) {
    const failed: string[] = [];
    for (const step of undo) await step().catch((error: unknown) => failed.push(messageOf(error)));
    const what = `${path} could not be written: ${messageOf(cause)}.`;
    if (failed.length === 0) throw new Error(`${what} It is as it was.`, { cause });
    throw new NotPutBack(
      `${what} Nor could all be put back: ${failed.join('; ')}. What was there before lies in ${stage}, each name with .before behind it: move it back yourself, then delete that folder.`,
      { cause },
    );
  }
}

/** The stage holds what was there before, and nothing else does. */
class NotPutBack extends Error {}

// From a published checkpoint to a model folder: config.json, preprocessor_config.json, tokenizer.json and model.safetensors under
// Hugging Face's names, as training leaves one. What is written is read piece by piece, so that no model is too large for memory.
// What has encoders and no checkpoint, another exporter's, is taken as it is.

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseJson, refuseLongText } from '../clip/checked.ts';
import { type ClipConfig, parseClipConfig, parseFolderConfig, type TextConfig } from '../clip/config.ts';
import { precisionsOf } from '../clip/encoder-files.ts';
import { CONTEXT_LENGTH } from '../clip/model-folder.ts';
import { parsePreprocessorConfig, preprocessorConfig } from '../clip/preprocess.ts';
import { streamSafetensors, toFloat32 } from '../clip/safetensors.ts';
import { readTokenizerFiles, type TokenizerFiles } from '../clip/tokenizer-files.ts';
import type { FolderFile, Precision } from '../clip/types.ts';
import { tokenizerConfig, tokenizerJsonOf } from '../clip/vocabulary.ts';
import { choosePrecisions, TOKENIZER_FILES, wantedFiles } from '../clip/wanted-files.ts';
import { directorySource, readNamedFile, writeFileWhole } from '../files/folder.ts';
import { fitted } from './checkpoints/fit.ts';
import { inferConfig } from './checkpoints/infer-config.ts';
import { type NamedTensor, namedTensors } from './checkpoints/named-tensors.ts';
import { openCheckpoint } from './checkpoints/open.ts';
import { type OpenClipConfig, parseOpenClipConfig } from './checkpoints/open-clip-config.ts';
import { refuseUnmade } from './export.ts';
import { copyFiles } from './found-encoders.ts';

/**
 * In the order in which a folder is looked through: the first that is there is read. Where open_clip's stands beside
 * model.safetensors, that may be an image tower alone, for timm.
 */
export const CHECKPOINTS = [
  'open_clip_model.safetensors',
  'model.safetensors',
  'model.safetensors.index.json',
  'open_clip_pytorch_model.bin',
  'pytorch_model.bin',
];
/** What is taken along of a tokenizer; the last for others alone. */
export const TAKEN_TOKENIZER_FILES = [...TOKENIZER_FILES, 'special_tokens_map.json'];

const TOKENIZERS = "Name a folder with a tokenizer's files, or OpenAI's bpe_simple_vocab_16e6.txt.gz.";

export interface ImportOptions {
  /** A checkpoint, or a folder with one. */
  readonly source: string;
  /** The model folder that is made; must not be there yet. */
  readonly out: string;
  /** A folder with a tokenizer's files, or OpenAI's list of merges, where the source brings none. */
  readonly tokenizer?: string;
  /** Of a checkpoint without a configuration; OpenAI's models have QuickGELU, open_clip's own GELU. */
  readonly hiddenAct?: TextConfig['hidden_act'];
  /** Of the encoders: which to take where there is no checkpoint, by default what suits a CPU best; and which `finish` is to make of one. */
  readonly precisions?: readonly Precision[];
  /** Called with the finished folder before it takes its place; where it rejects, nothing is left behind. */
  readonly finish?: (folder: string) => Promise<void>;
  /** Rejects with its reason between two tensors, after what was made is taken away. */
  readonly signal?: AbortSignal;
}

export async function importModel(options: ImportOptions): Promise<void> {
  const { source, out } = options;
  await refuseTaken(out);
  const folder = await folderOf(source);
  const encoders = folder !== null && checkpointIn(folder) === null ? await encodersIn(folder) : null;
  const stage = join(dirname(resolve(out)), `.${basename(out)}.${randomUUID()}.part`);
  try {
    if (folder !== null && encoders !== null) await stageEncoders(folder, encoders, stage, options);
    else await stageCheckpoint(folder, stage, options);
    await options.finish?.(stage);
    await rmdir(out).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(stage, out);
  } catch (error) {
    // What was being written says of itself that it could not be.
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** @param folder null where the source is a file */
async function stageCheckpoint(
  folder: string | null,
  stage: string,
  { source, hiddenAct, tokenizer, precisions = [], signal }: ImportOptions,
): Promise<void> {
  refuseUnmade(source, precisions);
  const path = folder === null ? source : checkpointIn(folder);
  if (path === null) {
    throw new Error(
      `The folder ${source} holds no checkpoint; one of ${CHECKPOINTS.join(', ')} was expected, or both encoders in onnx/.`,
    );
  }
  const checkpoint = await openCheckpoint(path);
  try {
    const tensors = namedTensors(checkpoint);
    const { config, configFile, preprocessor } = await describe(folder, tensors, path, hiddenAct);
    const network = fitted(tensors, config, path);
    const { max_position_embeddings: positions } = config.text_config;
    await writeAll(stage, await tokenizerFiles(tokenizer ?? folder, source, positions));
    await writeFileWhole(join(stage, 'preprocessor_config.json'), preprocessor);
    const read = (name: string) => {
      signal?.throwIfAborted();
      return tensorOf(network, name).read();
    };
    await writeFileWhole(
      join(stage, 'model.safetensors'),
      streamSafetensors(network, read, { format: 'pt' }),
    );
    const [logit_scale] = toFloat32(await tensorOf(network, 'logit_scale').read());
    await writeFileWhole(join(stage, 'config.json'), json({ ...configFile, logit_scale }));
  } finally {
    await checkpoint.close();
  }
}

/** The files of a folder that has both encoders in some precision; null where it has not. */
async function encodersIn(folder: string): Promise<readonly FolderFile[] | null> {
  const files = await directorySource(folder).list();
  return precisionsOf(files).length > 0 ? files : null;
}

async function stageEncoders(
  folder: string,
  files: readonly FolderFile[],
  stage: string,
  { source, tokenizer, precisions }: ImportOptions,
): Promise<void> {
  const wanted = wantedFiles(files, choosePrecisions(files, precisions, source));
  await copyFiles(
    folder,
    stage,
    wanted.map(({ path }) => path),
  );
  const path = join(folder, 'config.json');
  const config = parseFolderConfig(parseJson(await readNamedFile(path, 'A model has one.'), path), path);
  const { max_position_embeddings: positions } = config.text_config;
  await writeAll(stage, await tokenizerFiles(tokenizer ?? folder, source, positions ?? CONTEXT_LENGTH));
}

async function writeAll(folder: string, files: ReadonlyMap<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of files) await writeFileWhole(join(folder, name), content);
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

function tensorOf(tensors: ReadonlyMap<string, NamedTensor>, name: string): NamedTensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`There is no tensor ${name}.`);
  return tensor;
}

/** Throws where something is in the folder that is to be made. */
export async function refuseTaken(out: string): Promise<void> {
  const found = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new Error(`${out} cannot be written to: ${error.message}. Name another folder in --out.`, {
      cause: error,
    });
  });
  if (found.length > 0) {
    throw new Error(`${out} is not empty: it holds ${found[0]}. Name another folder in --out.`);
  }
}

/** The source itself where it is a folder, null where it is a file. */
async function folderOf(source: string): Promise<string | null> {
  const found = await stat(source).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `There is no ${source} to import (${error.code}). Name a checkpoint: a .safetensors, .pt or .bin file, or a folder with one.`,
      { cause: error },
    );
  });
  return found.isDirectory() ? source : null;
}

/** Null where there is none. */
function checkpointIn(folder: string): string | null {
  const name = CHECKPOINTS.find((each) => existsSync(join(folder, each)));
  return name === undefined ? null : join(folder, name);
}

interface Description {
  readonly config: ClipConfig;
  /** What config.json is to say, without the trained scale. */
  readonly configFile: object;
  /** preprocessor_config.json. */
  readonly preprocessor: string | Uint8Array;
}

/** Sizes, heads and activation: as a configuration says, else as they follow from the weights. */
async function describe(
  folder: string | null,
  tensors: ReadonlyMap<string, NamedTensor>,
  path: string,
  hiddenAct: TextConfig['hidden_act'] = 'quick_gelu',
): Promise<Description> {
  const at = (name: string) => (folder === null ? '' : join(folder, name));
  const read = async (name: string) => parseJson(await readText(at(name)), at(name));
  const has = (name: string) => folder !== null && existsSync(at(name));

  let openClip: OpenClipConfig | undefined;
  let config: ClipConfig;
  let configFile: object;
  if (has('open_clip_config.json')) {
    const file = 'open_clip_config.json';
    openClip = parseOpenClipConfig(await read(file), at(file));
    config = inferConfig(tensors, openClip, path);
    configFile = config;
  } else if (has('config.json')) {
    const file = await read('config.json');
    config = parseClipConfig(file, at('config.json'));
    configFile = file as object;
  } else {
    config = inferConfig(tensors, { hiddenAct }, path);
    configFile = config;
  }
  const own = 'preprocessor_config.json';
  if (!has(own)) {
    const made = preprocessorConfig(config.vision_config.image_size, openClip?.preprocessing);
    return { config, configFile, preprocessor: json(made) };
  }
  const preprocessor = await readText(at(own));
  parsePreprocessorConfig(parseJson(preprocessor, at(own)), at(own));
  return { config, configFile, preprocessor };
}

async function readText(path: string): Promise<Uint8Array> {
  refuseLongText((await stat(path)).size, path);
  return readFile(path);
}

/** What the model folder is to have, by name: the files as they are, and tokenizer.json where they are older than that. */
async function tokenizerFiles(
  given: string | null,
  source: string,
  positions: number,
): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const isFile = given !== null && !(await stat(given).catch(() => null))?.isDirectory();
  const found = given === null || isFile ? new Map<string, Uint8Array>() : await foundTokenizerFiles(given);
  if (found.has('tokenizer.json')) return found;
  const definition: TokenizerFiles = isFile
    ? { bpeGz: await readNamedFile(given, TOKENIZERS) }
    : olderTokenizer(found, given, source);
  const read = await readTokenizerFiles(definition).catch((error: Error) => {
    throw new Error(`The tokenizer ${given} was refused: ${error.message} ${TOKENIZERS}`, { cause: error });
  });
  const made = new Map([['tokenizer.json', json(tokenizerJsonOf(read))]]);
  if (!found.has('tokenizer_config.json'))
    made.set('tokenizer_config.json', json(tokenizerConfig(positions)));
  return new Map<string, string | Uint8Array>([...found, ...made]);
}

async function foundTokenizerFiles(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of TAKEN_TOKENIZER_FILES) {
    if (existsSync(join(folder, name))) files.set(name, await readText(join(folder, name)));
  }
  return files;
}

function olderTokenizer(
  found: ReadonlyMap<string, Uint8Array>,
  given: string | null,
  source: string,
): TokenizerFiles {
  const [vocabulary, merges] = [found.get('vocab.json'), found.get('merges.txt')];
  if (vocabulary === undefined || merges === undefined) {
    throw new Error(
      `${source} brings no tokenizer: neither tokenizer.json nor vocab.json with merges.txt were found${given === null || given === source ? '' : ` in ${given}`}. Name a folder with them in --tokenizer, or OpenAI's bpe_simple_vocab_16e6.txt.gz.`,
    );
  }
  return {
    vocabJson: parseJson(vocabulary, 'vocab.json'),
    mergesTxt: new TextDecoder().decode(merges),
  };
}

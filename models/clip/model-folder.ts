// A model is a folder, laid out as the hub and transformers.js lay it out (config.json, preprocessor_config.json, the
// tokenizer's files, onnx/vision_model<suffix>.onnx and onnx/text_model<suffix>.onnx). Everything about a model is read from
// its folder, here, and checked: a folder that lacks something or contradicts itself is refused with the file and the reason.
// The encoders themselves are not read yet: `folder.read(encoderPath(…))` does that, and checks them against manifest.json, and
// `checkEncoder` looks through a graph before a runtime gets it.

import * as v from 'valibot';
import { checked, parseJson, plainObject, refuseLongText } from './checked.ts';
import { type FolderConfig, logarithm, logitScaleOf, MAX_LOGIT_SCALE, parseFolderConfig } from './config.ts';
import { precisionsOf } from './encoder-files.ts';
import { type Manifest, parseManifest, verifyFile } from './manifest.ts';
import { messageOf } from './message-of.ts';
import { imageSize, parsePreprocessorConfig } from './preprocess.ts';
import {
  isFloat,
  readSafetensorsHeader,
  readTensor,
  safetensorsHeaderEnd,
  toFloat32,
} from './safetensors.ts';
import { parseTokenizer } from './tokenizer.ts';
import type { TokenizerFiles } from './tokenizer-files.ts';
import type { FolderFile, FolderSource, Precision, Preprocessing, Tokenizer } from './types.ts';

/** Hugging Face writes 10^30 for "no limit". */
const NO_LIMIT = 1e6;
/** Of every published CLIP; where a folder says nothing of its own. */
export const CONTEXT_LENGTH = 77;

export interface ModelFolder {
  readonly name: string;
  readonly config: FolderConfig;
  readonly preprocessing: Preprocessing;
  /** Cuts at the context length of the text encoder. */
  readonly tokenizer: Tokenizer;
  /** exp of the trained logarithm, at most 100: what cosines are multiplied by before the softmax. */
  readonly logitScale: number;
  /** Those of which both encoders are there, fp32 first. */
  readonly precisions: readonly Precision[];
  readonly files: readonly FolderFile[];
  /** Null where the folder has none. */
  readonly manifest: Manifest | null;
  /** A file of the folder; rejects with a sentence where it is missing or not what manifest.json says. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
}

/** Reads and checks everything of a folder but its encoders. */
export async function readModelFolder(source: FolderSource): Promise<ModelFolder> {
  const { files, manifest, has, named, read, readText } = await openFolder(source);

  // Asked for together: over a network each would wait for the one before.
  const [configBytes, preprocessorBytes, tokenizerBytes] = await Promise.all([
    readText('config.json'),
    readText('preprocessor_config.json'),
    readTokenizerBytes(has, readText),
  ]);
  const configName = named('config.json');
  const config = parseFolderConfig(parseJson(configBytes, configName), configName);
  const preprocessorName = named('preprocessor_config.json');
  const preprocessing = parsePreprocessorConfig(
    parseJson(preprocessorBytes, preprocessorName),
    preprocessorName,
  );
  refuseFor(pictureContradiction(preprocessing, config), preprocessorName);
  const tokenizer = await openTokenizer(source.name, tokenizerBytes, named, config);
  refuseFor(tokenizerContradiction(tokenizer, config), configName);
  const precisions = precisionsOf(files);
  if (precisions.length === 0) throw noEncoders(files, named);

  const logScale = config.logit_scale ?? (await readLogitScale(source, files, named('model.safetensors')));
  return {
    name: source.modelName ?? source.name.replace(/\/+$/, '').split('/').at(-1) ?? source.name,
    config,
    preprocessing,
    tokenizer,
    // Unknown, it is taken to have ended where the published models' did.
    logitScale: logScale === null ? MAX_LOGIT_SCALE : logitScaleOf(logScale),
    precisions,
    files,
    manifest,
    read,
  };
}

/** A folder's list of files, held to its manifest.json, and how they are read. */
async function openFolder(source: FolderSource) {
  const named = (path: string) => `${source.name.replace(/\/$/, '')}/${path}`;
  const files = await source.list();
  const find = (path: string) => files.find((file) => file.path === path);
  const has = (path: string) => find(path) !== undefined;
  const expectShort = (path: string) => refuseLongText(find(path)?.bytes ?? 0, named(path));

  expectShort('manifest.json');
  const manifestBytes = has('manifest.json') ? await source.read('manifest.json') : null;
  const manifest = manifestBytes && parseManifest(manifestBytes, named('manifest.json'));
  for (const { path, bytes } of manifest?.files ?? []) {
    const found = find(path);
    if (!found) throw refusal(named(path), 'manifest.json lists it, and it is not there');
    if (found.bytes !== bytes) {
      const differs = `it has ${found.bytes} bytes, manifest.json says ${bytes}; export the model again`;
      throw refusal(named(path), differs);
    }
  }
  const read = async (path: string) => {
    if (!has(path)) throw refusal(named(path), 'it is not there, and a model needs it');
    const bytes = await source.read(path);
    if (manifest) {
      await verifyFile(path, bytes, manifest).catch((error: Error) => {
        throw new Error(`The folder ${source.name} was refused: ${error.message}`, { cause: error });
      });
    }
    return bytes;
  };
  const readText = async (path: string) => {
    expectShort(path);
    return read(path);
  };
  return { files, manifest, has, named, read, readText };
}

const refusal = (fileName: string, reason: string) => new Error(`${fileName} was refused: ${reason}.`);

function refuseFor(reason: string | null, fileName: string): void {
  if (reason !== null) throw refusal(fileName, reason);
}

function noEncoders(files: readonly FolderFile[], named: (path: string) => string): Error {
  const half = files.find(({ path }) => /^onnx\/(?:vision|text)_model(?:_\w+)?\.onnx$/.test(path));
  return half
    ? refusal(
        named(half.path),
        'a precision needs onnx/vision_model and onnx/text_model, and only one of them is there',
      )
    : refusal(
        named('onnx'),
        'the encoders onnx/vision_model.onnx and onnx/text_model.onnx are not there; `npm run -s export` makes them',
      );
}

type Read = (path: string) => Promise<Uint8Array<ArrayBuffer>>;

/** A tokenizer's files as they are there, by their paths. */
async function readTokenizerBytes(
  has: (path: string) => boolean,
  read: Read,
): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const old = !has('tokenizer.json') && has('vocab.json') && has('merges.txt');
  const paths = old ? ['vocab.json', 'merges.txt'] : ['tokenizer.json'];
  if (has('tokenizer_config.json')) paths.push('tokenizer_config.json');
  return new Map(await Promise.all(paths.map(async (path) => [path, await read(path)] as const)));
}

const TokenizerLimit = plainObject({
  model_max_length: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(2))),
});

async function openTokenizer(
  folder: string,
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  named: (path: string) => string,
  config: FolderConfig,
): Promise<Tokenizer> {
  const json = (path: string) => {
    const bytes = files.get(path);
    return bytes && parseJson(bytes, named(path));
  };
  const tokenizerConfig = json('tokenizer_config.json');
  const name = named('tokenizer_config.json');
  const { model_max_length } = checked(TokenizerLimit, tokenizerConfig ?? {}, name);
  const limit = (model_max_length ?? NO_LIMIT) < NO_LIMIT ? model_max_length : null;
  const positions = config.text_config.max_position_embeddings;
  if (limit != null && positions != null && limit > positions) {
    throw new Error(
      `${name} was refused: its model_max_length ${limit} is more than the ${positions} positions of config.json's text model.`,
    );
  }
  const mergesTxt = files.get('merges.txt');
  const given: TokenizerFiles =
    mergesTxt === undefined
      ? { tokenizerJson: json('tokenizer.json'), tokenizerConfig }
      : { vocabJson: json('vocab.json'), mergesTxt: new TextDecoder().decode(mergesTxt), tokenizerConfig };
  try {
    return await parseTokenizer(given, { contextLength: limit ?? positions ?? CONTEXT_LENGTH });
  } catch (error) {
    const message = messageOf(error);
    throw new Error(`The folder ${folder} was refused: ${message}`, { cause: error });
  }
}

function pictureContradiction(
  preprocessing: Preprocessing,
  { vision_config: { image_size: side } }: FolderConfig,
): string | null {
  const { width, height } = imageSize(preprocessing);
  if (side == null || (width === side && height === side)) return null;
  return `it makes pictures of ${width}×${height}, config.json's model sees ${side}×${side}`;
}

/** Hugging Face pools at the largest id where a config says eos 2, and CLIP's own configs say bos 0: both mean "as ever". */
function tokenizerContradiction(tokenizer: Tokenizer, { text_config: text }: FolderConfig): string | null {
  if (text.vocab_size != null && tokenizer.vocabSize > text.vocab_size) {
    return `its vocab_size is ${text.vocab_size}, the tokenizer has ${tokenizer.vocabSize} tokens`;
  }
  if (tokenizer.bosTokenId === tokenizer.eosTokenId) {
    return `the tokenizer begins and ends texts with the same token ${tokenizer.eosTokenId}`;
  }
  if (text.eos_token_id === 2 && tokenizer.padTokenId > tokenizer.eosTokenId) {
    return `its eos_token_id 2 means the largest token of a text, and the tokenizer fills texts up with ${tokenizer.padTokenId}, which is larger than its end token ${tokenizer.eosTokenId}`;
  }
  const eos = text.eos_token_id ?? tokenizer.eosTokenId;
  if (eos !== 2 && eos !== tokenizer.eosTokenId) {
    return `its eos_token_id is ${eos}, the tokenizer ends texts with ${tokenizer.eosTokenId}`;
  }
  const bos = text.bos_token_id ?? tokenizer.bosTokenId;
  if (bos !== 0 && bos !== tokenizer.bosTokenId) {
    return `its bos_token_id is ${bos}, the tokenizer begins texts with ${tokenizer.bosTokenId}`;
  }
  return null;
}

/** The trained logarithm from a checkpoint's header and four bytes of it; null where there is no checkpoint or no scale in it. */
async function readLogitScale(
  source: FolderSource,
  files: readonly FolderFile[],
  fileName: string,
): Promise<number | null> {
  const file = files.find(({ path }) => path === 'model.safetensors');
  if (!file) return null;
  const end = safetensorsHeaderEnd(await source.readRange(file.path, 0, Math.min(8, file.bytes)), fileName);
  const head = await source.readRange(file.path, 0, Math.min(end, file.bytes));
  const place = readSafetensorsHeader(head, fileName, file.bytes).tensors.get('logit_scale');
  if (!place) return null;
  if (place.shape.some((length) => length !== 1) || !isFloat(place.dtype)) {
    throw new Error(
      `${fileName} was refused: its logit_scale is ${place.dtype} [${place.shape}]; a single floating-point number was expected.`,
    );
  }
  const [value] = toFloat32(readTensor(await source.readRange(file.path, place.start, place.end), place));
  return checked(logarithm, value, `${fileName}, logit_scale`);
}

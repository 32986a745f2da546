// The model folders that both sides read. A folder of a size that nobody ships with its own weights has random ones: what a
// network computes does not change how long it takes. Folders are made by training's and export's own code and kept.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ClipConfig, parseClipConfig } from '../models/clip/config.ts';
import { encoderPath } from '../models/clip/encoder-files.ts';
import reference from '../models/clip/fixtures/huggingface-tokenizer.json' with { type: 'json' };
import { CLIP_FOLDER, hasClipFolder, readJson } from '../models/clip/fixtures/tokenizers.ts';
import { readModelFolder } from '../models/clip/model-folder.ts';
import { imageSize } from '../models/clip/preprocess.ts';
import { parseTokenizer } from '../models/clip/tokenizer.ts';
import { learnVocabulary } from '../models/clip/vocabulary.ts';
import { combinedModel } from '../models/convert/combined-model.ts';
import { exportModel } from '../models/convert/export.ts';
import { directorySource } from '../models/files/folder.ts';
import { wholeClip } from '../models/networks/fixtures/whole-clip.ts';
import { type ModelProto, ModelProtoSchema } from '../models/onnx/proto/onnx_pb.ts';
import { DEFAULT_CONFIG } from '../models/train/default-config.ts';
import { initialise } from '../models/train/initialise.ts';
import { writeModelFiles, writeWeights } from '../models/train/model-folder.ts';
import { CACHE } from './cache.ts';

export interface BenchModel {
  /** Its name under /models/. */
  readonly name: string;
  /** For people: whose weights these are. */
  readonly title: string;
  readonly folder: string;
  /** Pixels of a side of pixel_values. */
  readonly imageSize: number;
}

const OWN_MODEL = 'public/models/promptlens-mini';
/** Where transformers.js looks for both encoders in one graph, in the precision that it takes on WASM. */
const COMBINED = 'onnx/model_quantized.onnx';

/** The folder that was asked for, else the site's own model, else one of its size. */
export async function miniModel(asked: string | undefined): Promise<BenchModel> {
  const folder = asked ?? OWN_MODEL;
  if (asked !== undefined || existsSync(`${OWN_MODEL}/manifest.json`)) {
    const name = resolve(folder).split('/').at(-1) ?? folder;
    return withCombined({ name, title: `${name}, q8` }, folder);
  }
  const name = 'mini-random';
  const made = await randomModel(name, DEFAULT_CONFIG, false);
  return withCombined({ name, title: "random weights, promptlens-mini's size, q8" }, made);
}

/** ViT-B/32's size, which is config.json's default, with CLIP's own vocabulary where it is there. */
export async function vitB32(): Promise<BenchModel> {
  const name = 'vit-b-32-random';
  const made = await randomModel(name, parseClipConfig({ model_type: 'clip' }, name), hasClipFolder);
  return withCombined({ name, title: "random weights, ViT-B/32's size, q8" }, made);
}

/** q8 alone: what both sides take on WASM. */
async function randomModel(name: string, size: ClipConfig, clipVocabulary: boolean): Promise<string> {
  const folder = `${CACHE}/${name}-${madeBy(['onnx', 'networks', 'convert', 'train'])}`;
  if (existsSync(`${folder}/manifest.json`)) return folder;
  console.log(`Making a model folder: ${name} …`);
  const tokenizerJson: unknown = clipVocabulary
    ? readJson(`${CLIP_FOLDER}/tokenizer.json`)
    : learnVocabulary(reference.captions, { vocabSize: reference.vocabSize });
  const tokenizer = await parseTokenizer(
    { tokenizerJson },
    { contextLength: size.text_config.max_position_embeddings },
  );
  const { bosTokenId: bos_token_id, eosTokenId: eos_token_id } = tokenizer;
  const config: ClipConfig = { ...size, text_config: { ...size.text_config, bos_token_id, eos_token_id } };
  const parameters = [...wholeClip(config).parameters.values()];

  const stage = `${folder}.part`;
  await rm(stage, { recursive: true, force: true });
  await writeModelFiles(stage, config, tokenizerJson);
  await writeWeights(
    stage,
    config,
    parameters,
    new Map(parameters.map((each) => [each.name, initialise(each, 1)])),
  );
  await exportModel(stage, { precisions: ['q8'], combined: true, force: true });
  await rm(join(stage, 'model.safetensors'));
  await rename(stage, folder);
  return folder;
}

/** The folder as it is, with the combined graph that transformers.js' pipeline reads beside its encoders. */
async function withCombined(
  { name, title }: Pick<BenchModel, 'name' | 'title'>,
  folder: string,
): Promise<BenchModel> {
  const { preprocessing, precisions, logitScale } = await readModelFolder(directorySource(folder));
  if (!precisions.includes('q8')) {
    throw new Error(
      `${folder} has no q8 encoders, which both sides take on WASM: npm run -s export -- --model ${folder} --precision q8`,
    );
  }
  const model = { name, title, imageSize: imageSize(preprocessing).width };
  if (existsSync(join(folder, COMBINED))) return { ...model, folder };
  const linked = `${CACHE}/${name}-combined`;
  await rm(linked, { recursive: true, force: true });
  await mkdir(`${linked}/onnx`, { recursive: true });
  for (const path of await readdir(folder)) {
    if (path !== 'onnx') await symlink(resolve(folder, path), join(linked, path));
  }
  for (const path of await readdir(join(folder, 'onnx'))) {
    await symlink(resolve(folder, 'onnx', path), join(linked, 'onnx', path));
  }
  const encoder = (which: 'vision_model' | 'text_model'): ModelProto =>
    fromBinary(ModelProtoSchema, readFileSync(join(folder, encoderPath(which, 'q8'))));
  const combined = combinedModel(encoder('vision_model'), encoder('text_model'), logitScale);
  await writeFile(join(linked, COMBINED), toBinary(ModelProtoSchema, combined));
  return { ...model, folder: linked };
}

/** A digest of the code that makes a folder: a folder that older code made is not taken. */
function madeBy(rooms: readonly string[]): string {
  const digest = createHash('sha256');
  for (const room of rooms) {
    const files = readdirSync(`models/${room}`, { recursive: true, encoding: 'utf8' });
    for (const file of files.sort()) {
      if (file.endsWith('.ts') && !file.endsWith('.test.ts'))
        digest.update(readFileSync(`models/${room}/${file}`));
    }
  }
  return digest.digest('hex').slice(0, 8);
}

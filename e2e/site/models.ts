// Model folders for the tests, made as any model is: a network of ours with weights, written by training's own code, exported
// by export's. The weights are random, drawn wide enough that photographs and words get vectors far apart; nothing in them is
// trained, and nothing that is tested here needs it. Beside the sound folders, one of them as another exporter lays it out, stand
// some that are damaged in one way each.

import { cp, readFile, writeFile } from 'node:fs/promises';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { parseClipConfig } from '../../models/clip/config.ts';
import { exportersFolder } from '../../models/clip/fixtures/exporters-folder.ts';
import { sha256 } from '../../models/clip/manifest.ts';
import { parseTokenizer } from '../../models/clip/tokenizer.ts';
import { learnVocabulary } from '../../models/clip/vocabulary.ts';
import { type ExportPrecision, exportModel } from '../../models/convert/export.ts';
import { writeFileWhole } from '../../models/files/folder.ts';
import { wholeClip } from '../../models/networks/fixtures/whole-clip.ts';
import type { Parameter } from '../../models/onnx/graph.ts';
import { type ModelProto, ModelProtoSchema } from '../../models/onnx/proto/onnx_pb.ts';
import { initialise } from '../../models/train/initialise.ts';
import { writeModelFiles, writeWeights } from '../../models/train/model-folder.ts';

/** fp32, fp16 and q8: what the page chooses from where it is free to. */
export const TINY = 'tiny';
/** fp32 alone, to compare with the command line to three digits. */
export const TINY_FP32 = 'tiny-fp32';
/** Another exporter's, in fp32: a text encoder of one length, pictures of 0 … 1, a config.json that says next to nothing. */
export const FOREIGN = 'foreign';
/** Its vision weights were altered after export and manifest.json agrees with them: only the self-test can tell. */
export const DAMAGED = 'tiny-damaged';
/** The same with q8 left sound: fails on WebGPU, where fp32 runs, and passes on WASM. */
export const DAMAGED_ON_GPU = 'tiny-damaged-on-gpu';
/** A file is shorter than manifest.json says. */
export const TRUNCATED = 'tiny-truncated';
/** A file has the right length and one other byte. */
export const ALTERED = 'tiny-altered';
/** What the page opens where the address names no model. */
const DEFAULT = 'promptlens-mini';

const VISION = 'onnx/vision_model.onnx';
const CONTEXT_LENGTH = 16;
const CAPTIONS = [
  'a photo of a cat.',
  'a photo of a dog.',
  'the red flower on a table',
  'people riding horses',
];
/** Times the usual starting weights: at 1 all photographs rank alike. */
const GAIN = 4;

export async function writeTestModels(models: string): Promise<void> {
  await writeTiny(`${models}/${TINY}`, ['fp32', 'fp16', 'q8']);
  await writeTiny(`${models}/${TINY_FP32}`, ['fp32']);
  for (const [path, bytes] of exportersFolder()) await writeFileWhole(`${models}/${FOREIGN}/${path}`, bytes);
  await exportModel(`${models}/${FOREIGN}`, { precisions: ['fp32'], threads: 1 });

  const copyOf = async (name: string, change: (vision: Uint8Array) => Uint8Array, original = TINY_FP32) => {
    const folder = `${models}/${name}`;
    await cp(`${models}/${original}`, folder, { recursive: true });
    await writeFile(`${folder}/${VISION}`, change(await readFile(`${folder}/${VISION}`)));
    return folder;
  };
  await agree(await copyOf(DAMAGED, withOtherWeights), VISION);
  await agree(await copyOf(DAMAGED_ON_GPU, withOtherWeights, TINY), VISION);
  await copyOf(TRUNCATED, (vision) => vision.subarray(0, vision.length - 100));
  await copyOf(ALTERED, (vision) => vision.with(vision.length - 100, (vision.at(-100) ?? 0) ^ 1));

  // A build without the model that the site carries is tested all the same.
  await cp(`${models}/${TINY}`, `${models}/${DEFAULT}`, { recursive: true, force: false });
}

async function writeTiny(folder: string, precisions: readonly ExportPrecision[]): Promise<void> {
  const tokenizerJson = learnVocabulary(CAPTIONS, { vocabSize: 560 });
  const tokenizer = await parseTokenizer({ tokenizerJson }, { contextLength: CONTEXT_LENGTH });
  const tower = { hidden_size: 32, intermediate_size: 128, num_hidden_layers: 2, num_attention_heads: 2 };
  const config = parseClipConfig(
    {
      model_type: 'clip',
      projection_dim: 32,
      vision_config: { ...tower, image_size: 32, patch_size: 8 },
      text_config: {
        ...tower,
        max_position_embeddings: CONTEXT_LENGTH,
        vocab_size: tokenizer.vocabSize,
        bos_token_id: tokenizer.bosTokenId,
        eos_token_id: tokenizer.eosTokenId,
      },
    },
    'config.json',
  );
  const parameters = [...wholeClip(config).parameters.values()];
  await writeModelFiles(folder, config, tokenizerJson);
  await writeWeights(folder, config, parameters, new Map(parameters.map((each) => [each.name, drawn(each)])));
  await exportModel(folder, { precisions, threads: 1 });
}

function drawn(parameter: Parameter): Float32Array<ArrayBuffer> {
  const values = initialise(parameter, 1);
  return parameter.initialisation.kind === 'normal' ? values.map((value) => GAIN * value) : values;
}

/** Every second number of the largest weight with the other sign: a sound graph that computes something else. */
function withOtherWeights(file: Uint8Array): Uint8Array {
  const model: ModelProto = fromBinary(ModelProtoSchema, file);
  const weights = model.graph?.initializer ?? [];
  const [largest] = weights.toSorted((a, b) => b.rawData.length - a.rawData.length);
  const { rawData } = largest;
  for (let sign = 3; sign < rawData.length; sign += 8) rawData[sign] ^= 0x80;
  return toBinary(ModelProtoSchema, model);
}

/** Puts a changed file's size and hash into the folder's manifest. */
async function agree(folder: string, path: string): Promise<void> {
  const list = `${folder}/manifest.json`;
  const content = await readFile(`${folder}/${path}`);
  const manifest: { files: { path: string; bytes: number; sha256: string }[] } = JSON.parse(
    await readFile(list, 'utf8'),
  );
  for (const file of manifest.files) {
    if (file.path !== path) continue;
    file.bytes = content.length;
    file.sha256 = await sha256(content);
  }
  await writeFile(list, JSON.stringify(manifest));
}

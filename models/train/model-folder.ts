// What training writes for others: a model folder in the hub's layout (shared conventions of the field), without its onnx/ part,
// which export adds.

import { join } from 'node:path';
import type { ClipConfig } from '../clip/config.ts';
import { parsePreprocessorConfig, preprocessorConfig } from '../clip/preprocess.ts';
import { streamSafetensors, type Tensor } from '../clip/safetensors.ts';
import { tokenizerConfig } from '../clip/vocabulary.ts';
import { writeFileWhole } from '../files/folder.ts';
import { toStored, type Weights, weightsOf } from '../networks/weights.ts';
import type { Parameter } from '../onnx/graph.ts';

/** CLIP's own (openai/CLIP, clip/clip.py): a stranger's pipeline may assume them. */
export const { mean: MEAN, std: STD } = parsePreprocessorConfig({});

/** What a model folder has beside its weights. config.json comes last: by it a folder is known for a model's. */
export async function writeModelFiles(
  folder: string,
  config: ClipConfig,
  tokenizerJson: unknown,
): Promise<void> {
  await writeTextFiles(folder, config, tokenizerJson);
  await writeConfig(folder, config);
}

/** The files that do not change while training. */
export async function writeTextFiles(
  folder: string,
  config: ClipConfig,
  tokenizerJson: unknown,
): Promise<void> {
  await writeJson(
    join(folder, 'preprocessor_config.json'),
    preprocessorConfig(config.vision_config.image_size),
  );
  await writeJson(join(folder, 'tokenizer.json'), tokenizerJson);
  await writeJson(
    join(folder, 'tokenizer_config.json'),
    tokenizerConfig(config.text_config.max_position_embeddings),
  );
}

/** model.safetensors, and config.json with the temperature that these weights were trained to. */
export async function writeWeights(
  folder: string,
  config: ClipConfig,
  parameters: readonly Parameter[],
  weights: Weights,
): Promise<void> {
  const tensors = new Map<string, Tensor>();
  for (const [name, { shape, data }] of toStored(parameters, weights)) {
    tensors.set(name, { dtype: 'F32', shape, data });
  }
  // Piece by piece: of a large network the file is longer than one buffer may be.
  const read = async (name: string) => weightsOf(tensors, name);
  await writeFileWhole(join(folder, 'model.safetensors'), streamSafetensors(tensors, read, { format: 'pt' }));
  // Last, whether or not the run began with one: a run that is resumed then writes the same bytes.
  const { logit_scale: _before, ...rest } = config;
  await writeJson(join(folder, 'config.json'), {
    ...rest,
    logit_scale: weightsOf(weights, 'logit_scale')[0],
  });
}

export async function writeConfig(folder: string, config: ClipConfig): Promise<void> {
  await writeJson(join(folder, 'config.json'), config);
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileWhole(path, `${JSON.stringify(value, null, 2)}\n`);
}

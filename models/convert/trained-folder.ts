// The folder that training leaves: configuration, tokenizer, preprocessor and model.safetensors, not yet an onnx/.

import { join } from 'node:path';
import { parseJson } from '../clip/checked.ts';
import { type ClipConfig, parseClipConfig } from '../clip/config.ts';
import { readSafetensors, toFloat32 } from '../clip/safetensors.ts';
import { readNamedFile } from '../files/folder.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import { fromStored, type StoredTensor, type Weights } from '../networks/weights.ts';

export interface TrainedFolder {
  readonly config: ClipConfig;
  /** config.json with the logarithm of the scale that the weights were trained to, for readers without model.safetensors. */
  readonly configFile: string;
  /** In the graph's layout. */
  readonly weights: Weights;
  /** What a cosine is multiplied by. */
  readonly logitScale: number;
}

/** CLIP's own limit (Radford et al. 2021, section 2.5). */
const MAX_LOGIT_SCALE = 100;

/** Throws a sentence with the file where something is missing, damaged, or not what config.json says. */
export async function readTrainedFolder(path: string): Promise<TrainedFolder> {
  const configPath = join(path, 'config.json');
  const configBytes = await read(configPath);
  const json = parseJson(configBytes, configPath);
  const config = parseClipConfig(json, configPath);

  const weightsPath = join(path, 'model.safetensors');
  const stored = new Map<string, StoredTensor>();
  for (const [name, tensor] of readSafetensors(await read(weightsPath), weightsPath)) {
    // Buffers such as position_ids are integers, and no network asks for them.
    if (['F32', 'F16', 'BF16', 'F64'].includes(tensor.dtype)) {
      stored.set(name, { shape: tensor.shape, data: toFloat32(tensor) });
    }
  }
  const parameters = [visionEncoder(config), textEncoder(config)].flatMap((g) => [...g.parameters.values()]);
  const weights = fromStored(parameters, stored, weightsPath);
  for (const [name, values] of weights) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at >= 0)
      throw new Error(
        `${weightsPath} was refused: value ${at} of ${name} is ${values[at]}; training went wrong.`,
      );
  }
  const logScale = stored.get('logit_scale')?.data[0];
  if (logScale === undefined || !Number.isFinite(logScale)) {
    throw new Error(
      `${weightsPath} was refused: its logit_scale is ${logScale ?? 'missing'}; a finite number was expected.`,
    );
  }
  const configFile =
    config.logit_scale === logScale
      ? new TextDecoder().decode(configBytes)
      : `${JSON.stringify({ ...(json as object), logit_scale: logScale }, null, 2)}\n`;
  return { config, configFile, weights, logitScale: Math.min(Math.exp(logScale), MAX_LOGIT_SCALE) };
}

function read(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return readNamedFile(path, 'Name a folder that training has written.');
}

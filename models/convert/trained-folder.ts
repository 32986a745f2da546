// The folder that training leaves: configuration, tokenizer, preprocessor and model.safetensors, not yet an onnx/. And what is
// left of it where a page's folder is all that there is: its encoders, which hold the weights too.

import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { checkEncoder } from '../clip/check-encoder.ts';
import { parseJson } from '../clip/checked.ts';
import { type ClipConfig, logitScaleOf, parseClipConfig } from '../clip/config.ts';
import { encoderPath, precisionsOf } from '../clip/encoder-files.ts';
import { isFloat, toFloat32 } from '../clip/safetensors.ts';
import type { Encoder, Precision } from '../clip/types.ts';
import { directorySource, readNamedFile } from '../files/folder.ts';
import { encoderParameters, textEncoder, visionEncoder } from '../networks/clip.ts';
import { checkStored, inGraphLayout, type Weights } from '../networks/weights.ts';
import type { Graph } from '../onnx/graph.ts';
import { type ModelProto, ModelProtoSchema } from '../onnx/proto/onnx_pb.ts';
import { sizeOf } from '../onnx/shapes.ts';
import { openCheckpoint } from './checkpoints/open.ts';
import { encoderWeights } from './encoder-weights.ts';

export interface PretrainedFolder {
  readonly config: ClipConfig;
  /** In the graph's layout. */
  readonly weights: Weights;
  /** What a cosine is multiplied by. */
  readonly logitScale: number;
  /** What is added to it, where the loss was SigLIP's; a page's folder has lost it. */
  readonly logitBias?: number;
}

export interface TrainedFolder extends PretrainedFolder {
  /** config.json with what it may lack: the logarithm of the scale that the weights were trained to, and whose class they are for. */
  readonly configFile: string;
}

/** What a page's folder can be trained on from, best first. */
const UNROUNDED = ['fp32', 'fp16'] as const satisfies readonly Precision[];

/** The same with weights that are read when they are asked for. */
export interface OpenedFolder extends Omit<TrainedFolder, 'weights'> {
  readonly weights: ReadonlyMap<string, () => Promise<Float32Array<ArrayBuffer>>>;
  close(): Promise<void>;
}

/** Throws a sentence with the file where something is missing, damaged, or not what config.json says. */
export async function openTrainedFolder(path: string): Promise<OpenedFolder> {
  const configPath = join(path, 'config.json');
  const configBytes = await read(configPath);
  const json = parseJson(configBytes, configPath);
  const config = parseClipConfig(json, configPath);

  const weightsPath = join(path, 'model.safetensors');
  const checkpoint = await openCheckpoint(weightsPath, ADVICE);
  try {
    // Buffers such as position_ids are integers, and no network asks for them.
    const stored = new Map([...checkpoint.tensors].filter(([, { dtype }]) => isFloat(dtype)));
    const weights = new Map(
      encoderParameters(config).map((parameter) => {
        checkStored(parameter, stored, weightsPath);
        const { name } = parameter;
        return [
          name,
          async () => {
            const values = inGraphLayout(parameter, toFloat32(await checkpoint.read(name)));
            refuseNotFinite(name, values, weightsPath);
            return values;
          },
        ] as const;
      }),
    );
    const scalar = async (name: string) =>
      stored.has(name) ? toFloat32(await checkpoint.read(name))[0] : undefined;
    const logScale = await scalar('logit_scale');
    if (logScale === undefined || !Number.isFinite(logScale)) {
      throw new Error(
        `${weightsPath} was refused: its logit_scale is ${logScale ?? 'missing'}; a finite number was expected.`,
      );
    }
    const { architectures, architecture_note } = config;
    const stated = { ...(json as object), architectures, architecture_note, logit_scale: logScale };
    const configFile =
      JSON.stringify(json) === JSON.stringify(stated)
        ? new TextDecoder().decode(configBytes)
        : `${JSON.stringify(stated, null, 2)}\n`;
    return {
      config,
      configFile,
      weights,
      logitScale: logitScaleOf(logScale),
      logitBias: await scalar('logit_bias'),
      close: () => checkpoint.close(),
    };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** The same with all weights in memory. */
export async function readTrainedFolder(path: string): Promise<TrainedFolder> {
  const { weights, close, ...folder } = await openTrainedFolder(path);
  try {
    const all = new Map<string, Float32Array<ArrayBuffer>>();
    for (const [name, readWeights] of weights) all.set(name, await readWeights());
    return { ...folder, weights: all };
  } finally {
    await close();
  }
}

/** A trained folder, or one that export has shipped for a page, whose fp32 or fp16 encoders are read. */
export async function readPretrainedFolder(path: string): Promise<PretrainedFolder> {
  const listed = await directorySource(path).list();
  if (listed.some((file) => file.path === 'model.safetensors')) return readTrainedFolder(path);
  const found = precisionsOf(listed);
  const precision = UNROUNDED.find((each) => found.includes(each));
  if (!precision) {
    throw new Error(
      `${path} holds no weights to start from: neither model.safetensors nor encoders in fp32 or fp16 were found${found.includes('q8') ? ', and those in q8 are rounded too coarsely to be trained on' : ''}. Export the model with --precision fp16 too, or name another folder.`,
    );
  }
  const configPath = join(path, 'config.json');
  const config = parseClipConfig(parseJson(await read(configPath), configPath), configPath);
  if (config.logit_scale === undefined) {
    throw new Error(
      `${configPath} was refused: it has no logit_scale, which export writes there. Export the model again.`,
    );
  }
  const weightsOf = async (encoder: Encoder, graph: Graph) => {
    const file = join(path, encoderPath(encoder, precision));
    const bytes = await read(file);
    checkEncoder({ name: path, files: listed }, encoder, precision, bytes);
    const model = parseOnnx(bytes, file);
    // What config.json asks for is allocated: a parameter takes two bytes at least, and folding leaves few of them out.
    const parameters = Array.from(graph.parameters.values(), ({ shape }) => sizeOf(shape));
    const count = parameters.reduce((sum, size) => sum + size, 0);
    if (count > bytes.length) {
      throw new Error(
        `${file} was refused: it has ${bytes.length} bytes, and the network of config.json ${count} parameters.`,
      );
    }
    const weights = encoderWeights(model, graph, file);
    for (const [name, values] of weights) refuseNotFinite(name, values, file);
    return weights;
  };
  const vision = await weightsOf('vision_model', visionEncoder(config));
  const text = await weightsOf('text_model', textEncoder(config));
  return { config, weights: new Map([...vision, ...text]), logitScale: logitScaleOf(config.logit_scale) };
}

function parseOnnx(bytes: Uint8Array, file: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new Error(`${file} was refused: it is damaged, or no ONNX model. Get it anew.`, { cause });
  }
}

function refuseNotFinite(name: string, values: Float32Array, file: string): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0)
    throw new Error(`${file} was refused: value ${at} of ${name} is ${values[at]}; training went wrong.`);
}

const ADVICE = 'Name a folder that training has written.';

function read(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return readNamedFile(path, ADVICE);
}

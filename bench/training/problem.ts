// What every side trains, in a folder that all of them read: problem.json says how; start.safetensors holds the weights that
// they begin with and the one batch that they see in every step.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClipConfig } from '../../models/clip/config.ts';
import { readSafetensors, type Tensor, writeSafetensors } from '../../models/clip/safetensors.ts';
import { PEAK_RATE, TRAIN_OPTIONS } from '../../models/commands/train-options.ts';
import { randomStream } from '../../models/data/random.ts';
import { toStored } from '../../models/networks/weights.ts';
import { Graph, type Value } from '../../models/onnx/graph.ts';
import type { Precision } from '../../models/train/graph-session.ts';
import { patchCount } from '../../models/train/patch-dropout.ts';
import { addLoss, type StepShape, towers } from '../../models/train/step-graph.ts';
import { placesOf } from '../../models/train/text-packing.ts';
import { startingState } from '../../models/train/trainer.ts';

export interface Problem {
  readonly config: ClipConfig;
  readonly batchSize: number;
  readonly threads: number;
  /** Of our side. */
  readonly precision: Precision;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly gradClipNorm: number;
}

const { beta1, beta2, eps, wd, 'grad-clip-norm': gradClipNorm } = TRAIN_OPTIONS;

/** Training's own defaults, at a constant rate. */
export const OPTIMISER = {
  learningRate: PEAK_RATE,
  beta1: beta1.default,
  beta2: beta2.default,
  epsilon: eps.default,
  weightDecay: wd.default,
  gradClipNorm: gradClipNorm.default,
} as const;

/**
 * Tokens of the longest caption, ends included, and of the shortest. The network could read more, and a tokenizer for PyTorch
 * pads to what it could read (open_clip, tokenizer.py); ours lays them one behind the other in rows of the longest's length.
 */
export const LONGEST = 16;
const SHORTEST = 6;

const SEED = 1;
const PROBLEM = 'problem.json';
const START = 'start.safetensors';

export async function writeProblem(folder: string, problem: Problem): Promise<void> {
  const { graph } = stepGraph(problem);
  const parameters = [...graph.parameters.values()];
  const { weights } = startingState(parameters, { seed: SEED, averageDecay: 0, optimizer: 'adamw' });
  const tensors = new Map<string, Tensor>(batchOf(problem));
  for (const [name, { shape, data }] of toStored(parameters, weights)) {
    tensors.set(name, { dtype: 'F32', shape, data });
  }
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, START), writeSafetensors(tensors));
  await writeFile(join(folder, PROBLEM), JSON.stringify(problem));
}

export async function readProblem(
  folder: string,
): Promise<{ problem: Problem; tensors: ReadonlyMap<string, Tensor> }> {
  const problem: Problem = JSON.parse(await readFile(join(folder, PROBLEM), 'utf8'));
  const bytes = new Uint8Array(await readFile(join(folder, START)));
  return { problem, tensors: readSafetensors(bytes, START) };
}

export function stepShape({ config, batchSize }: Problem): StepShape {
  const { rows } = placesOf(lengthsOf(batchSize), LONGEST);
  return { batchSize, accumulate: 1, loss: 'softmax', patches: patchCount(config), tokens: LONGEST, rows };
}

/** The step's graph without its gradients. */
export function stepGraph(problem: Problem): { graph: Graph; loss: Value } {
  const graph = new Graph('training');
  const shape = stepShape(problem);
  const embeds = towers(graph, problem.config, problem.batchSize, shape);
  return { graph, loss: addLoss(graph, problem.config, shape, embeds) };
}

/** Of the captions, in tokens. */
function lengthsOf(batchSize: number): number[] {
  const random = randomStream('lengths of captions', SEED);
  return Array.from({ length: batchSize }, (_, row) =>
    row === 0 ? LONGEST : SHORTEST + Math.floor(random() * (LONGEST - SHORTEST + 1)),
  );
}

function batchOf({ config, batchSize }: Problem): [string, Tensor][] {
  const { vision_config: vision, text_config: text } = config;
  const random = randomStream('benchmark', SEED);
  const pictures = [batchSize, 3, vision.image_size, vision.image_size];
  const pixels = pictures.reduce((product, length) => product * length);
  const context = text.max_position_embeddings;
  // Padding is what ends a text.
  const ids = new BigInt64Array(batchSize * context).fill(BigInt(text.eos_token_id));
  for (const [row, tokens] of lengthsOf(batchSize).entries()) {
    ids[row * context] = BigInt(text.bos_token_id);
    // Words: begin and end of a text are the last two of the vocabulary.
    for (let place = 1; place < tokens - 1; place++)
      ids[row * context + place] = BigInt(Math.floor(random() * (text.vocab_size - 2)));
  }
  return [
    [
      'pixel_values',
      { dtype: 'F32', shape: pictures, data: Float32Array.from({ length: pixels }, () => 2 * random() - 1) },
    ],
    ['input_ids', { dtype: 'I64', shape: [batchSize, context], data: ids }],
  ];
}

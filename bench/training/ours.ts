// Our side of the rows of training: node --import tsx bench/training/ours.ts <folder>, the folder written by problem.ts.
// Answers each line on its standard input (answers.ts).

import { createInterface } from 'node:readline';
import * as ort from 'onnxruntime-node';
import type { Tensor } from '../../models/clip/safetensors.ts';
import { sharedKeys } from '../../models/data/pair-keys.ts';
import { fromStored, type StoredTensor } from '../../models/networks/weights.ts';
import { productFlops } from '../../models/onnx/flops.ts';
import { gradients } from '../../models/onnx/gradients.ts';
import { Graph } from '../../models/onnx/graph.ts';
import { toModel } from '../../models/onnx/model-proto.ts';
import { matMul } from '../../models/onnx/operators.ts';
import { sizeOf } from '../../models/onnx/shapes.ts';
import { LOSSES } from '../../models/train/contrastive-loss.ts';
import { sessionOptions } from '../../models/train/graph-session.ts';
import type { StepInputs } from '../../models/train/step-graph.ts';
import { startingState, Trainer } from '../../models/train/trainer.ts';
import type { Answer, OurIntroduction, Request } from './answers.ts';
import { LONGEST, type Problem, readProblem, stepGraph, stepShape } from './problem.ts';

/** Side of the matrices: so large that memory does not count. */
const PRODUCT = 2048;

const { problem, tensors } = await readProblem(process.argv[2]);
const trainer = await Trainer.create(problem.config, {
  ...problem,
  ...stepShape(problem),
  optimizer: 'adamw',
  seed: 0,
  patchDropout: 0,
  // So that captions stay as long as they are.
  reducedSteps: Number.POSITIVE_INFINITY,
  captionTokens: LONGEST,
  averageDecay: 0,
  // So long that the rate stays what it is.
  schedule: { peak: problem.learningRate, warmupSteps: 0, totalSteps: 1e12 },
});
const state = {
  ...startingState(trainer.parameters, { seed: 0, averageDecay: 0, optimizer: 'adamw' }),
  weights: fromStored(trainer.parameters, floatsOf(tensors), 'start.safetensors'),
};
const inputs = inputsOf(problem, tensors);
const product = await largeProduct(problem.threads);

const run: Record<Request, () => Promise<number>> = {
  step: async () => (await trainer.train(state, inputs)).loss,
  product: async () => {
    await product.run();
    return 0;
  },
};

say<OurIntroduction>({
  engine: `onnxruntime-node ${ort.env.versions.node}`,
  parameters: trainer.parameters
    .filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  flopsPerStep: flopsOf(problem),
  flopsPerProduct: product.flops,
});
for await (const request of createInterface(process.stdin)) {
  const start = performance.now();
  const loss = await run[request as Request]();
  say<Answer>({ ms: performance.now() - start, loss });
}

function say<Message>(message: Message): void {
  console.log(JSON.stringify(message));
}

function flopsOf(problem: Problem): number {
  const { graph, loss } = stepGraph(problem);
  gradients(graph, loss);
  return productFlops(graph);
}

function floatsOf(tensors: ReadonlyMap<string, Tensor>): Map<string, StoredTensor> {
  const floats = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape, data }] of tensors)
    if (dtype === 'F32') floats.set(name, { shape, data });
  return floats;
}

function inputsOf({ batchSize }: Problem, tensors: ReadonlyMap<string, Tensor>): StepInputs {
  const [pixels, ids] = [tensors.get('pixel_values'), tensors.get('input_ids')];
  if (pixels?.dtype !== 'F32' || ids?.dtype !== 'I64') throw new Error('start.safetensors holds no batch.');
  const keys = Array.from({ length: batchSize }, (_, i) => sharedKeys([String(i)]));
  const context = ids.shape[1];
  const dims = [batchSize, LONGEST] as const;
  const input_ids = new BigInt64Array(batchSize * LONGEST);
  for (let row = 0; row < batchSize; row++)
    input_ids.set(ids.data.subarray(row * context, row * context + LONGEST), row * LONGEST);
  return {
    pixel_values: pixels.data,
    captions: { input_ids, dims },
    pairs: LOSSES.softmax.inputsOf(keys, 'own'),
  };
}

async function largeProduct(threads: number): Promise<{ flops: number; run(): Promise<unknown> }> {
  const g = new Graph();
  const shape = [PRODUCT, PRODUCT];
  g.output('product', matMul(g, g.input('a', 'float32', shape), g.input('b', 'float32', shape)));
  // As the step has it: threads that wait otherwise would have another peak on a busy machine.
  const session = await ort.InferenceSession.create(toModel(g), sessionOptions(threads));
  const matrix = new ort.Tensor('float32', new Float32Array(PRODUCT * PRODUCT).fill(0.5), shape);
  return { flops: productFlops(g), run: () => session.run({ a: matrix, b: matrix }) };
}

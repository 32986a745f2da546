// The GPU's step on the CPU's kernels: the same numbers as Trainer's, for every network and loss.

import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { parseClipConfig } from '../clip/config.ts';
import { sharedKeys } from '../data/pair-keys.ts';
import configs from '../networks/fixtures/configs.json' with { type: 'json' };
import { referenceBatch } from '../networks/fixtures/reference-weights.ts';
import { weightsOf } from '../networks/weights.ts';
import { toModel } from '../onnx/model-proto.ts';
import { LOSSES } from './contrastive-loss.ts';
import { options as common } from './fixtures/first-losses.ts';
import { type GpuState, toGpu } from './gpu-state.ts';
import { gpuStepGraph } from './gpu-step.ts';
import { floats } from './graph-session.ts';
import { unpack } from './packed-state.ts';
import { patchCount } from './patch-dropout.ts';
import { learningRate } from './schedule.ts';
import { lossFeeds, towerFeeds } from './step-graph.ts';
import { decayAt, MAX_LOG_LOGIT_SCALE, startingState, Trainer } from './trainer.ts';

const PAIRS = 4;
const STEPS = 4;
const KEYS = [['a'], ['b'], ['c', 'a'], ['d']].map(sharedKeys);

const networks = Object.keys(configs) as (keyof typeof configs)[];
const BESIDE = { count: 2, weight: 0.5 };
const WITH_VECTORS = { ...BESIDE, wordVectors: { size: 3 } };
const kinds = [
  { loss: 'softmax', optimizer: 'adamw', textPairs: undefined },
  { loss: 'sigmoid', optimizer: 'muon', textPairs: undefined },
  { loss: 'softmax', optimizer: 'muon', textPairs: BESIDE },
  { loss: 'sigmoid', optimizer: 'adamw', textPairs: WITH_VECTORS },
] as const;
const cases = networks.flatMap((network) => kinds.map((kind) => ({ network, ...kind })));

it.each(cases)('$network, $loss, $optimizer, texts beside: $textPairs.count', async (each) => {
  const { network, loss, optimizer, textPairs } = each;
  const config = parseClipConfig(configs[network], 'configs.json');
  const options = {
    ...common,
    batchSize: PAIRS,
    loss,
    optimizer,
    textPairs,
    patchDropout: 0,
    reducedSteps: 0,
  };
  const trainer = await Trainer.create(config, options);
  const state = startingState(trainer.parameters, options);
  const patches = patchCount(config);
  const texts = PAIRS + 2 * (textPairs?.count ?? 0);
  const tokens = referenceBatch(config, texts, 0).dims[1];
  const { graph, vectors } = gpuStepGraph(
    config,
    { batchSize: PAIRS, loss, textPairs, patches, tokens },
    { ...options, maxLogitScale: MAX_LOG_LOGIT_SCALE, average: true },
  );
  const session = await ort.InferenceSession.create(toModel(graph), { intraOpNumThreads: 1 });
  let held: GpuState = toGpu(vectors, startingState(trainer.parameters, options));
  for (let step = 0; step < STEPS; step++) {
    const { pixel_values } = referenceBatch(config, PAIRS, step);
    const { input_ids, dims } = referenceBatch(config, texts, step);
    const beside = LOSSES[loss].inputsOf([['x'], ['y']].map(sharedKeys), 'own');
    const inputs = {
      pixel_values,
      captions: { input_ids, dims },
      pairs: LOSSES[loss].inputsOf(KEYS, 'own'),
      textPairs: textPairs && beside,
      wordVectors: { data: Float32Array.of(0.6, 0, 0.8, 0, 1, 0), pairs: beside },
    };
    const rate = learningRate(step, options.schedule);
    const outputs = await session.run({
      ...Object.fromEntries(held),
      ...towerFeeds(config, { patches, tokens, textPairs }, inputs, 0, PAIRS, 'gpu'),
      ...lossFeeds({ batchSize: PAIRS, textPairs }, inputs),
      schedule: floats(
        Float32Array.of(
          rate,
          rate / (1 - options.beta1 ** (step + 1)),
          Math.sqrt(1 - options.beta2 ** (step + 1)),
          1 - rate * options.weightDecay,
          1 - decayAt(step + 1, options.averageDecay),
        ),
        [5],
      ),
    });
    held = new Map(vectors.map(({ name }) => [name, outputs[`next.${name}`]]));
    const report = await trainer.train(state, inputs);
    const [value, gradientNorm] = outputs.report.data as Float32Array;
    expect(value).toBeCloseTo(report.loss, 4);
    expect(gradientNorm / report.gradientNorm).toBeCloseTo(1, 4);
  }
  const values = startingState(trainer.parameters, options);
  for (const { name, kind, group } of vectors) {
    if (kind === 'weights') unpack(group, held.get(name)?.data as Float32Array, values.weights);
    if (kind === 'average') unpack(group, held.get(name)?.data as Float32Array, values.average ?? new Map());
  }
  for (const [name, expected] of state.weights)
    expect(furthest(weightsOf(values.weights, name), expected)).toBeLessThan(5e-5);
  for (const [name, expected] of state.average ?? [])
    expect(furthest(weightsOf(values.average ?? new Map(), name), expected)).toBeLessThan(5e-5);
  await session.release();
  await trainer.release();
});

function furthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

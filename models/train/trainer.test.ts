// Training steps against PyTorch: `python3 models/train/fixtures/make.py` makes the fixture; the tests need no Python.

import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { type ClipConfig, isModifiedResNet, parseClipConfig } from '../clip/config.ts';
import { sharedKeys } from '../data/pair-keys.ts';
import { textEncoder } from '../networks/clip.ts';
import configs from '../networks/fixtures/configs.json' with { type: 'json' };
import { referenceBatch, referenceWeights } from '../networks/fixtures/reference-weights.ts';
import { toStored, type Weights, weightsOf } from '../networks/weights.ts';
import { toModel } from '../onnx/model-proto.ts';
import { globalNorm } from './adamw.ts';
import { LOSSES } from './contrastive-loss.ts';
import expected from './fixtures/steps.json' with { type: 'json' };
import { keptPatches, patchCount } from './patch-dropout.ts';
import { createStep } from './step.ts';
import { isOfModel, type StepShape } from './step-graph.ts';
import { finalWeights, notANumber, startingState, Trainer, type TrainerOptions } from './trainer.ts';

const PAIRS = 4;
const KIND = { threads: 1, precision: 'fp32' } as const;
const OPTIONS: TrainerOptions = {
  batchSize: PAIRS,
  accumulate: 1,
  loss: 'softmax',
  optimizer: 'adamw',
  averageDecay: 0,
  ...KIND,
  seed: 0,
  patchDropout: 0,
  reducedSteps: 0,
  captionTokens: 77,
  gradClipNorm: 1,
  schedule: { peak: 0.002, warmupSteps: 3, totalSteps: 10 },
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-6,
  weightDecay: 0.2,
};
const KEYS = [['a'], ['b'], ['c', 'a'], ['d']].map(sharedKeys);
const shapeOf = (config: ClipConfig, accumulate = 1): StepShape => ({
  batchSize: PAIRS,
  accumulate,
  loss: 'softmax',
  patches: patchCount(config),
  tokens: config.text_config.max_position_embeddings,
});

const cases = Object.entries(expected).map(([name, results]) => ({
  name,
  config: parseClipConfig(configs[name as keyof typeof configs], name),
  results,
}));

const inputsOf = (config: (typeof cases)[number]['config'], step: number) => {
  const { pixel_values, input_ids, dims } = referenceBatch(config, PAIRS, step);
  return {
    pixel_values,
    captions: { input_ids, dims },
    pairs: LOSSES.softmax.inputsOf(KEYS, 'own'),
  };
};

/** The largest absolute difference. */
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);

describe.each(cases)('$name', ({ config, results }) => {
  it('gives the loss and every gradient of PyTorch', async () => {
    const step = await createStep(config, shapeOf(config), KIND);
    const { loss, gradients } = await step.run(
      referenceWeights(step.parameters, config),
      inputsOf(config, 0),
    );
    expect(loss).toBeCloseTo(results.losses[0], 5);
    const stored = toStored(
      step.parameters.filter(({ trainable }) => trainable),
      new Map([...gradients].map(([n, g]) => [n, Float32Array.from(g)])),
    );
    expect([...stored.keys()].sort()).toEqual(Object.keys(results.gradients).sort());
    for (const [name, values] of Object.entries(results.gradients)) {
      const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      expect(distance(stored.get(name)?.data ?? [Number.NaN], values), name).toBeLessThan(
        1e-5 + 1e-4 * largest,
      );
    }
  });

  it('takes the steps of PyTorch: warm-up, clipping, decay on weights alone', async () => {
    const trainer = await Trainer.create(config, OPTIONS);
    const state = {
      ...startingState(trainer.parameters, OPTIONS),
      weights: referenceWeights(trainer.parameters, config),
    };
    for (let step = 0; step < 3; step++) {
      const report = await trainer.train(state, inputsOf(config, step));
      expect(report.loss).toBeCloseTo(results.losses[step], 4);
      expect(report.gradientNorm).toBeCloseTo(results.gradient_norms[step], 2);
    }
    const stored = toStored(trainer.parameters, state.weights);
    for (const [name, values] of Object.entries(results.weights)) {
      expect(distance(stored.get(name)?.data ?? [Number.NaN], values), name).toBeLessThan(2e-4);
    }
  });
});

describe.each(cases.filter(({ config }) => !isModifiedResNet(config.vision_config)))(
  'in parts: $name',
  ({ config }) => {
    it.each([
      ['two', 2, 1],
      ['four, of pictures with patches left out', PAIRS, 2],
    ] as const)('%s: gives the loss and the gradients of the whole batch', async (_, accumulate, share) => {
      const all = patchCount(config);
      const patches = all / share;
      const whole = await createStep(config, { ...shapeOf(config), patches }, KIND);
      const parts = await createStep(config, { ...shapeOf(config, accumulate), patches }, KIND);
      const weights = referenceWeights(whole.parameters, config);
      const kept = keptPatches({ batchSize: PAIRS, patches, all }, 0, 0);
      const inputs = { ...inputsOf(config, 0), kept };
      const wanted = await whole.run(weights, inputs);
      const { loss, gradients } = await parts.run(weights, inputs);
      expect(loss).toBeCloseTo(wanted.loss, 6);
      expect([...gradients.keys()].sort()).toEqual([...wanted.gradients.keys()].sort());
      // In proportion to the length of all of them as one vector: a key's bias has a gradient of zero but for rounding.
      const length = globalNorm(wanted.gradients.values());
      for (const [name, values] of wanted.gradients) {
        expect(distance(gradients.get(name) ?? [Number.NaN], values) / length, name).toBeLessThan(1e-5);
      }
    });
  },
);

describe.each(cases)('in int8: $name', ({ config }) => {
  it('the gradients of both towers point where they do in fp32', async () => {
    for (const accumulate of [1, 2]) {
      const shape = shapeOf(config, accumulate);
      const exact = await createStep(config, shape, KIND);
      const rounded = await createStep(config, shape, { ...KIND, precision: 'int8' });
      const weights = referenceWeights(exact.parameters, config);
      const wanted = await exact.run(weights, inputsOf(config, 0));
      const found = await rounded.run(weights, inputsOf(config, 0));
      expect(found.loss).not.toBe(wanted.loss);
      expect(Math.abs(found.loss - wanted.loss) / wanted.loss).toBeLessThan(0.02);
      expect([...found.gradients.keys()].sort()).toEqual([...wanted.gradients.keys()].sort());
      let product = 0;
      for (const [name, values] of wanted.gradients) {
        const other = weightsOf(found.gradients, name);
        product += values.reduce((sum, x, i) => sum + x * other[i], 0);
      }
      const lengths = [wanted, found].map(({ gradients }) => globalNorm(gradients.values()));
      expect(product / lengths[0] / lengths[1]).toBeGreaterThan(0.98);
      await Promise.all([exact.release(), rounded.release()]);
    }
  });
});

describe('pairs of texts beside the pictures', () => {
  const [{ config }] = cases;
  const COUNT = 2;
  const keys = [['x'], ['y']].map(sharedKeys);
  const inputs = () => {
    const { input_ids, dims } = referenceBatch(config, PAIRS + 2 * COUNT);
    return {
      ...inputsOf(config, 0),
      captions: { input_ids, dims },
      textPairs: LOSSES.softmax.inputsOf(keys, 'own'),
    };
  };

  /** The names' unit vectors, then the meanings'. */
  const besides = async (weights: Weights) => {
    const session = await ort.InferenceSession.create(toModel(textEncoder(config), weights));
    const { input_ids, dims } = inputs().captions;
    const { text_embeds } = await session.run({ input_ids: new ort.Tensor('int64', input_ids, dims) });
    const width = config.projection_dim;
    return Array.from({ length: 2 * COUNT }, (_, i) => {
      const vector = Array.from(text_embeds.data.slice((PAIRS + i) * width, (PAIRS + i + 1) * width), Number);
      const length = Math.hypot(...vector);
      return vector.map((x) => x / length);
    });
  };
  const scale = Math.exp(config.logit_scale_init_value);
  const crossEntropy = (right: number, wrong: number) => Math.log(1 + Math.exp(wrong - right));

  it('add the contrastive loss of their vectors, by its weight', async () => {
    const lossAt = async (weight: number) => {
      const step = await createStep(
        config,
        { ...shapeOf(config), textPairs: { count: COUNT, weight } },
        KIND,
      );
      return (await step.run(referenceWeights(step.parameters, config), inputs())).loss;
    };
    const without = await createStep(config, shapeOf(config), KIND);
    const weights = referenceWeights(without.parameters, config);
    const vectors = await besides(weights);
    const logit = (name: number, meaning: number) =>
      scale * vectors[name].reduce((sum, x, k) => sum + x * vectors[COUNT + meaning][k], 0);
    // Two pairs: each row and each column of the similarities has one wrong entry.
    const wanted =
      [0, 1].reduce(
        (sum, i) =>
          sum + crossEntropy(logit(i, i), logit(i, 1 - i)) + crossEntropy(logit(i, i), logit(1 - i, i)),
        0,
      ) / 4;
    const pictures = (await without.run(weights, inputsOf(config, 0))).loss;
    expect((await lossAt(0.5)) - pictures).toBeCloseTo(0.5 * wanted, 5);
    expect((await lossAt(2)) - pictures).toBeCloseTo(2 * wanted, 4);
  });

  it.each(['softmax', 'sigmoid'] as const)('are the same beside pictures in parts: %s', async (loss) => {
    const size = 3;
    const given = {
      ...inputs(),
      pairs: LOSSES[loss].inputsOf(KEYS, 'own'),
      textPairs: LOSSES[loss].inputsOf(keys, 'own'),
      wordVectors: {
        data: Float32Array.from({ length: COUNT * size }, (_, i) => Math.sin(i)),
        pairs: LOSSES[loss].inputsOf(keys, 'own'),
      },
    };
    const textPairs = { count: COUNT, weight: 0.7, wordVectors: { size } };
    const [whole, parts] = await Promise.all(
      [1, 2].map((accumulate) =>
        createStep(config, { ...shapeOf(config, accumulate), loss, textPairs }, KIND),
      ),
    );
    expect(parts.parameters.map(({ name }) => name).sort()).toEqual(
      whole.parameters.map(({ name }) => name).sort(),
    );
    const { weights } = startingState(whole.parameters, OPTIONS);
    const wanted = await whole.run(weights, given);
    const found = await parts.run(weights, given);
    expect(Math.abs(found.loss / wanted.loss - 1)).toBeLessThan(1e-6);
    expect([...found.gradients.keys()].sort()).toEqual([...wanted.gradients.keys()].sort());
    const all = globalNorm(wanted.gradients.values());
    for (const [name, values] of wanted.gradients) {
      expect(distance(found.gradients.get(name) ?? [Number.NaN], values) / all, name).toBeLessThan(1e-6);
    }
  });

  it('add the same of names and word vectors, which are projected', async () => {
    const [vectorOf, size] = [(i: number) => (i < 3 ? [0.6, 0, 0.8][i] : [0, 1, 0][i - 3]), 3];
    const given = {
      ...inputs(),
      wordVectors: {
        data: Float32Array.from({ length: COUNT * size }, (_, i) => vectorOf(i)),
        pairs: LOSSES.softmax.inputsOf(keys, 'own'),
      },
    };
    const textPairs = { count: COUNT, weight: 0.5 };
    const [without, both] = [
      await createStep(config, { ...shapeOf(config), textPairs }, KIND),
      await createStep(
        config,
        { ...shapeOf(config), textPairs: { ...textPairs, wordVectors: { size } } },
        KIND,
      ),
    ];
    const projection = both.parameters.find((parameter) => !isOfModel(parameter));
    expect(projection?.shape).toEqual([size, config.projection_dim]);
    expect(without.parameters.every(isOfModel)).toBe(true);
    const weights = new Map(referenceWeights(without.parameters, config));
    // Both vectors projected to the same: to a name each of the two is as likely, and to each the same name is.
    weights.set('word_projection.weight', new Float32Array(size * config.projection_dim).fill(1));
    given.wordVectors.data.set([0, 1, 0]);
    const blind = (await both.run(weights, given)).loss - (await without.run(weights, given)).loss;
    const [one, other] = (await besides(weights))
      .slice(0, COUNT)
      .map((name) => (scale * name.reduce((sum, x) => sum + x, 0)) / Math.sqrt(name.length));
    const wanted = (2 * Math.log(2) + crossEntropy(one, other) + crossEntropy(other, one)) / 4;
    expect(blind).toBeCloseTo(0.5 * wanted, 4);
    const { gradients } = await both.run(weights, given);
    expect(globalNorm([gradients.get('word_projection.weight') ?? new Float32Array(1)])).toBeGreaterThan(0);
  });

  it('are learned', async () => {
    const options = { ...OPTIONS, textPairs: { count: COUNT, weight: 1 } };
    const trainer = await Trainer.create(config, options);
    const state = startingState(trainer.parameters, options);
    const losses: number[] = [];
    for (let step = 0; step < 10; step++) losses.push((await trainer.train(state, inputs())).loss);
    expect(losses[9]).toBeLessThan(losses[0] - 0.5);
  });
});

describe('an average of the weights', () => {
  it('follows them, and stays with the state', async () => {
    const [{ config }] = cases;
    const options = { ...OPTIONS, averageDecay: 0.5 };
    const trainer = await Trainer.create(config, options);
    const state = startingState(trainer.parameters, options);
    const expected = Float64Array.from(weightsOf(state.weights, 'visual_projection.weight'));
    for (let step = 1; step <= 4; step++) {
      await trainer.train(state, inputsOf(config, step));
      const decay = Math.min(0.5, (1 + step) / (10 + step));
      const weights = weightsOf(state.weights, 'visual_projection.weight');
      expected.forEach((mean, i) => {
        expected[i] = decay * mean + (1 - decay) * weights[i];
      });
    }
    const average = finalWeights(state).get('visual_projection.weight') ?? [Number.NaN];
    expect(distance(expected, average)).toBeLessThan(1e-6);
    expect(distance(weightsOf(state.weights, 'visual_projection.weight'), average)).toBeGreaterThan(1e-5);
  });
});

describe('the temperature', () => {
  it('is kept at 100 or below', async () => {
    const [{ config }] = cases;
    const trainer = await Trainer.create(config, OPTIONS);
    const state = startingState(trainer.parameters, OPTIONS);
    state.weights.get('logit_scale')?.fill(Math.log(150));
    const { logitScale } = await trainer.train(state, inputsOf(config, 0));
    expect(logitScale).toBeCloseTo(100, 3);
    expect(state.weights.get('logit_scale')?.[0]).toBeCloseTo(Math.log(100), 6);
  });
});

describe('a step that gives no number', () => {
  it('names the tensor and leaves the weights as they were', async () => {
    const [{ config }] = cases;
    const trainer = await Trainer.create(config, OPTIONS);
    const state = startingState(trainer.parameters, OPTIONS);
    const before = new Map([...state.weights].map(([name, values]) => [name, values.slice()]));
    const inputs = inputsOf(config, 0);
    inputs.pixel_values[5] = Number.NaN;
    await expect(trainer.train(state, inputs)).rejects.toThrow(
      /^Step 1 gave a loss of NaN.*: all weights are finite, the largest is [\d.]+ in [\w.]+\. The weights are as they were/,
    );
    expect(state.step).toBe(0);
    expect(state.weights).toEqual(before);
    for (const name of ['text_model.final_layer_norm.bias', 'visual_projection.weight']) {
      const spoiled = {
        ...state,
        weights: new Map(before).set(name, before.get(name)?.with(1, Number.NaN) as never),
      };
      await expect(trainer.train(spoiled, inputsOf(config, 0))).rejects.toThrow(
        `: ${name} is not finite any more.`,
      );
    }
    await trainer.release();
  });

  it('names the gradient that overflowed, not those behind it that it spoiled', () => {
    const weights = new Map([['first', Float32Array.of(1)]]);
    const gradients = new Map(
      Object.entries({ first: Number.NaN, second: Number.POSITIVE_INFINITY, third: 1 }).map(
        ([name, value]) => [name, Float32Array.of(value)] as const,
      ),
    );
    const state = { step: 4, weights, moments: new Map(), average: null };
    expect(notANumber({ loss: 2, gradientNorm: Number.NaN, gradients }, state).message).toMatch(
      /^Step 5 gave a loss of 2 and a gradient of length NaN: it began in the gradient of second\./,
    );
  });
});

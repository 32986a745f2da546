// The state of a run and how a batch changes it: forward and backward in one graph (step.ts), the gradients clipped,
// AdamW (adamw.ts) or Muon (muon.ts), and the temperature kept at 100 or below (Radford et al. 2021, section 2.5).

import { type ClipConfig, MAX_LOGIT_SCALE } from '../clip/config.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import type { Parameter } from '../onnx/graph.ts';
import { sizeOf } from '../onnx/shapes.ts';
import { type AdamOptions, adamStep, decays, globalNorm } from './adamw.ts';
import type { LossName } from './contrastive-loss.ts';
import { refuseWrongInt8 } from './exact-int8.ts';
import type { Precision } from './graph-session.ts';
import { initialise } from './initialise.ts';
import { Muon } from './muon.ts';
import { isMuons, type Moments, type OptimizerName } from './optimizer.ts';
import { keptPatches, patchCount } from './patch-dropout.ts';
import { learningRate, type Schedule } from './schedule.ts';
import { createStep, type Step, type StepResult } from './step.ts';
import type { StepInputs, StepShape } from './step-graph.ts';

export interface TrainerOptions extends AdamOptions {
  readonly optimizer: OptimizerName;
  readonly batchSize: number;
  /** Parts that a batch comes in, where it is larger than memory. */
  readonly accumulate: number;
  readonly loss: LossName;
  readonly textPairs?: StepShape['textPairs'];
  readonly threads: number;
  readonly precision: Precision;
  readonly seed: number;
  /** Steps with patches left out and short captions; the rest of the run sees all, as the trained model will. */
  readonly reducedSteps: number;
  /** Share of the patches that the vision transformer does not see in these steps. */
  readonly patchDropout: number;
  /** Tokens that no caption of these steps has more of. */
  readonly captionTokens: number;
  /** Gradients longer than this, as one vector, are shortened to it. */
  readonly gradClipNorm: number;
  readonly schedule: Schedule;
  /**
   * How much of an average of the weights over the steps stays at each step, such as 0.999; 0 where none is kept (Polyak &
   * Juditsky 1992; Izmailov et al. 2018 on why the average generalises better).
   */
  readonly averageDecay: number;
}

/** All that a run must remember to go on as if it had never stopped. */
export interface TrainingState {
  /** Steps done. */
  step: number;
  readonly weights: Map<string, Float32Array<ArrayBuffer>>;
  readonly moments: Map<string, Moments>;
  /** Of the weights over the steps; null where none is kept. */
  readonly average: Map<string, Float32Array<ArrayBuffer>> | null;
}

/** The weights that a run leaves. */
export function finalWeights({ weights, average }: TrainingState): Weights {
  return average ?? weights;
}

export interface StepReport {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  /** exp of the trained logarithm. */
  readonly logitScale: number;
  /** Before clipping. */
  readonly gradientNorm: number;
}

export const MAX_LOG_LOGIT_SCALE = Math.log(MAX_LOGIT_SCALE);

/** What takes a run's steps: Trainer on the CPU, GpuThread on a GPU. */
export interface StepTrainer {
  readonly parameters: readonly Parameter[];
  /** One step of `state`. Throws where the loss or a gradient is not a number, with the weights as they were before. */
  train(state: TrainingState, inputs: StepInputs): Promise<StepReport>;
  /** Has `state` hold the newest numbers, where a GPU kept them. */
  settle(state: TrainingState): Promise<void>;
  release(): Promise<void>;
}

/** @param pretrained weights to start from, in the graph's layout; what they lack starts at random */
export function startingState(
  parameters: readonly Parameter[],
  { seed, averageDecay, optimizer }: Pick<TrainerOptions, 'seed' | 'averageDecay' | 'optimizer'>,
  pretrained: Weights = new Map(),
): TrainingState {
  const weights = new Map(
    parameters.map((parameter) => [
      parameter.name,
      pretrained.get(parameter.name)?.slice() ?? initialise(parameter, seed),
    ]),
  );
  const trainable = parameters.filter((parameter) => parameter.trainable);
  return {
    step: 0,
    weights,
    moments: new Map(
      trainable.map((parameter) => {
        const size = sizeOf(parameter.shape);
        const v = new Float32Array(isMuons(parameter, optimizer) ? 0 : size);
        return [parameter.name, { m: new Float32Array(size), v }];
      }),
    ),
    average: averageDecay > 0 ? new Map(Array.from(weights, ([name, data]) => [name, data.slice()])) : null,
  };
}

export class Trainer implements StepTrainer {
  readonly parameters: readonly Parameter[];
  readonly #config: ClipConfig;
  readonly #options: TrainerOptions;
  /** Null between two graphs and after the end. */
  #step: Step | null;
  readonly #muon: Muon | null;

  private constructor(config: ClipConfig, options: TrainerOptions, step: Step, muon: Muon | null) {
    this.#config = config;
    this.#options = options;
    this.#step = step;
    this.#muon = muon;
    this.parameters = step.parameters;
  }

  static async create(config: ClipConfig, options: TrainerOptions): Promise<Trainer> {
    if (options.precision === 'int8') await refuseWrongInt8();
    const step = await createStep(config, shapeAt(0, config, options), options);
    const hidden = step.parameters.filter((parameter) => isMuons(parameter, options.optimizer));
    const muon = hidden.length > 0 ? await Muon.create(hidden, options.threads) : null;
    return new Trainer(config, options, step, muon);
  }

  /** One step: changes `state` in place. Throws where the loss or a gradient is not a number, before any weight is touched. */
  async train(state: TrainingState, inputs: StepInputs): Promise<StepReport> {
    const { schedule, gradClipNorm, averageDecay, optimizer, ...adam } = this.#options;
    const { loss, gradients, updates } = await this.#run(state, inputs);
    const gradientNorm = globalNorm(gradients.values());
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw notANumber({ loss, gradientNorm, gradients }, state);
    }
    const rate = learningRate(state.step, schedule);
    const scale = Math.min(1, gradClipNorm / gradientNorm);
    const { weightDecay } = adam;
    await this.#muon?.step(state.weights, gradients, state.moments, { rate, scale, weightDecay });
    state.step += 1;
    for (const parameter of this.parameters) {
      if (!parameter.trainable || isMuons(parameter, optimizer)) continue;
      const options = decays(parameter) ? adam : { ...adam, weightDecay: 0 };
      const weights = weightsOf(state.weights, parameter.name);
      const gradient = weightsOf(gradients, parameter.name);
      adamStep(weights, gradient, weightsOf(state.moments, parameter.name), options, {
        rate,
        step: state.step,
        scale,
      });
    }
    for (const [name, values] of updates) weightsOf(state.weights, name).set(values);
    const logitScale = weightsOf(state.weights, 'logit_scale');
    logitScale[0] = Math.min(logitScale[0], MAX_LOG_LOGIT_SCALE);
    if (state.average) follow(state.average, state.weights, decayAt(state.step, averageDecay));
    return { step: state.step, loss, learningRate: rate, logitScale: Math.exp(logitScale[0]), gradientNorm };
  }

  /** Runs the graph for as many patches and tokens as this step sees. */
  async #run(state: TrainingState, inputs: StepInputs): Promise<StepResult> {
    const shape = shapeAt(state.step, this.#config, this.#options);
    let step = this.#step;
    if (step?.shape.patches !== shape.patches || step.shape.tokens !== shape.tokens) {
      // Before the next is opened: both at once may be more than there is memory for.
      await this.#releaseStep();
      step = await createStep(this.#config, shape, this.#options);
      this.#step = step;
    }
    return step.run(state.weights, {
      ...inputs,
      kept: keptAt(state.step, shape, this.#config, this.#options),
    });
  }

  /** The state is changed in place. */
  async settle(): Promise<void> {}

  async release(): Promise<void> {
    await this.#releaseStep();
    await this.#muon?.release();
  }

  async #releaseStep(): Promise<void> {
    const step = this.#step;
    this.#step = null;
    await step?.release();
  }
}

/** A function of the step alone: padding has its part in the last bits of a sum, and a resumed run must come to the same. */
export function shapeAt(step: number, config: ClipConfig, options: TrainerOptions): StepShape {
  const { batchSize, accumulate, loss, textPairs } = options;
  const tokens = tokensAt(step, config, options);
  return { batchSize, accumulate, loss, textPairs, patches: patchesAt(step, config, options), tokens };
}

/** Tokens that no caption of a step has more of. */
export function tokensAt(
  step: number,
  config: ClipConfig,
  { captionTokens, reducedSteps }: Pick<TrainerOptions, 'captionTokens' | 'reducedSteps'>,
): number {
  const context = config.text_config.max_position_embeddings;
  return step < reducedSteps ? Math.min(captionTokens, context) : context;
}

/** Patches of each picture that a step sees. */
export function patchesAt(
  step: number,
  config: ClipConfig,
  { patchDropout, reducedSteps }: Pick<TrainerOptions, 'patchDropout' | 'reducedSteps'>,
): number {
  const all = patchCount(config);
  return step < reducedSteps ? Math.max(1, Math.round(all * (1 - patchDropout))) : all;
}

/** The first steps count for little: an average that remembers the random start for a thousand steps is no use. */
export function decayAt(step: number, decay: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}

function follow(average: Weights, weights: Weights, decay: number): void {
  for (const [name, mean] of average) {
    const values = weightsOf(weights, name);
    for (let i = 0; i < mean.length; i++) mean[i] += (1 - decay) * (values[i] - mean[i]);
  }
}

/** The patches that a step looks at; undefined where it looks at all. */
export function keptAt(
  step: number,
  { batchSize, patches }: Pick<StepShape, 'batchSize' | 'patches'>,
  config: ClipConfig,
  { seed }: Pick<TrainerOptions, 'seed'>,
): StepInputs['kept'] {
  const all = patchCount(config);
  return patches < all ? keptPatches({ batchSize, patches, all }, seed, step) : undefined;
}

interface NotFinite extends Pick<StepReport, 'loss' | 'gradientNorm'> {
  /** Left out where a GPU has them. */
  readonly gradients?: ReadonlyMap<string, Float32Array>;
}

/**
 * What to say of a step that gave no numbers, with the tensor where it began.
 * @param state as it was before the step
 */
export function notANumber(
  { loss, gradientNorm, gradients }: NotFinite,
  { step, weights }: TrainingState,
): Error {
  return new Error(
    `Step ${step + 1} gave a loss of ${loss} and a gradient of length ${gradientNorm}: ${whereItBegan(loss, weights, gradients)}. The weights are as they were before this step; try a lower --lr or a longer --warmup.`,
  );
}

function whereItBegan(loss: number, weights: Weights, gradients: NotFinite['gradients'] = new Map()): string {
  const spoiled = [...weights].find(([, values]) => !values.every(Number.isFinite));
  if (spoiled) return `${spoiled[0]} is not finite any more`;
  // Gradients go from the last layer to the first, and what is no number spoils all that come after.
  const overflowing = [...gradients].findLast(([, values]) => !values.every(Number.isFinite));
  if (Number.isFinite(loss) && overflowing) return `it began in the gradient of ${overflowing[0]}`;
  const [name, size] = largest(weights);
  return `all weights are finite, the largest is ${size.toPrecision(3)} in ${name}`;
}

function largest(weights: Weights): [name: string, size: number] {
  let found: [string, number] = ['', 0];
  for (const [name, values] of weights) {
    const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (size > found[1]) found = [name, size];
  }
  return found;
}

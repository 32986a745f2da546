// The state of a run and how a batch changes it: forward and backward in one graph (step.ts), the gradients clipped to a length
// of one, AdamW (adamw.ts), and the temperature kept at 100 or below (Radford et al. 2021, section 2.5).

import type { ClipConfig } from '../clip/config.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import type { Parameter } from '../onnx/graph.ts';
import { type AdamOptions, type AdamState, adamStep, decays, globalNorm } from './adamw.ts';
import { initialise } from './initialise.ts';
import { keptPatches, patchCount } from './patch-dropout.ts';
import { learningRate, type Schedule } from './schedule.ts';
import { type StepInputs, type StepResult, TrainingStep } from './step.ts';

export interface TrainerOptions extends AdamOptions {
  readonly batchSize: number;
  readonly threads: number;
  readonly seed: number;
  /** Share of the patches that the vision transformer does not see, until `patchDropoutSteps`. */
  readonly patchDropout: number;
  /** Steps with patches left out; the rest of the run sees whole pictures, as the trained model will. */
  readonly patchDropoutSteps: number;
  /** Gradients longer than this, as one vector, are shortened to it. */
  readonly gradClipNorm: number;
  readonly schedule: Schedule;
}

/** All that a run must remember to go on as if it had never stopped. */
export interface TrainingState {
  /** Steps done. */
  step: number;
  readonly weights: Map<string, Float32Array<ArrayBuffer>>;
  readonly adam: Map<string, AdamState>;
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

const MAX_LOG_LOGIT_SCALE = Math.log(100);

/** @param pretrained weights to start from, in the graph's layout; what they lack starts at random */
export function startingState(
  parameters: readonly Parameter[],
  seed: number,
  pretrained: Weights = new Map(),
): TrainingState {
  return {
    step: 0,
    weights: new Map(
      parameters.map((parameter) => [
        parameter.name,
        pretrained.get(parameter.name)?.slice() ?? initialise(parameter, seed),
      ]),
    ),
    adam: new Map(parameters.map(({ name, shape }) => [name, emptyAdamState(shape.map(Number))])),
  };
}

function emptyAdamState(shape: readonly number[]): AdamState {
  const size = shape.reduce((product, length) => product * length, 1);
  return { m: new Float32Array(size), v: new Float32Array(size) };
}

export class Trainer {
  readonly parameters: readonly Parameter[];
  readonly #config: ClipConfig;
  readonly #options: TrainerOptions;
  #step: TrainingStep;

  private constructor(config: ClipConfig, options: TrainerOptions, step: TrainingStep) {
    this.#config = config;
    this.#options = options;
    this.#step = step;
    this.parameters = step.parameters;
  }

  static async create(config: ClipConfig, options: TrainerOptions): Promise<Trainer> {
    const shape = { batchSize: options.batchSize, patches: patchesAt(0, config, options) };
    return new Trainer(config, options, await TrainingStep.create(config, shape, options.threads));
  }

  /** One step: changes `state` in place. Throws where the loss or a gradient is not a number, before any weight is touched. */
  async train(state: TrainingState, inputs: StepInputs): Promise<StepReport> {
    const { schedule, gradClipNorm, ...adam } = this.#options;
    const { loss, gradients } = await this.#run(state, inputs);
    const gradientNorm = globalNorm(gradients.values());
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw new Error(
        `Step ${state.step + 1} gave a loss of ${loss} and a gradient of length ${gradientNorm}, first in ${firstNotFinite(gradients)}. The weights are as they were before this step; try a lower --lr or a longer --warmup.`,
      );
    }
    const rate = learningRate(state.step, schedule);
    const scale = Math.min(1, gradClipNorm / gradientNorm);
    state.step += 1;
    for (const parameter of this.parameters) {
      const options = decays(parameter) ? adam : { ...adam, weightDecay: 0 };
      const weights = weightsOf(state.weights, parameter.name);
      const gradient = weightsOf(gradients, parameter.name);
      adamStep(weights, gradient, weightsOf(state.adam, parameter.name), options, {
        rate,
        step: state.step,
        scale,
      });
    }
    const logitScale = weightsOf(state.weights, 'logit_scale');
    logitScale[0] = Math.min(logitScale[0], MAX_LOG_LOGIT_SCALE);
    return { step: state.step, loss, learningRate: rate, logitScale: Math.exp(logitScale[0]), gradientNorm };
  }

  /** Runs the graph for as many patches as this step sees. */
  async #run(state: TrainingState, inputs: StepInputs): Promise<StepResult> {
    const { batchSize, seed, threads } = this.#options;
    const patches = patchesAt(state.step, this.#config, this.#options);
    if (patches !== this.#step.shape.patches) {
      await this.#step.release();
      this.#step = await TrainingStep.create(this.#config, { batchSize, patches }, threads);
    }
    const all = patchCount(this.#config);
    if (patches === all) return this.#step.run(state.weights, inputs);
    const kept = keptPatches({ batchSize, patches, all }, seed, state.step);
    return this.#step.run(state.weights, { ...inputs, kept });
  }

  async release(): Promise<void> {
    await this.#step.release();
  }
}

function patchesAt(
  step: number,
  config: ClipConfig,
  { patchDropout, patchDropoutSteps }: Pick<TrainerOptions, 'patchDropout' | 'patchDropoutSteps'>,
): number {
  const all = patchCount(config);
  return step < patchDropoutSteps ? Math.max(1, Math.round(all * (1 - patchDropout))) : all;
}

function firstNotFinite(gradients: ReadonlyMap<string, Float32Array>): string {
  for (const [name, values] of gradients)
    if (!values.every(Number.isFinite)) return `the gradient of ${name}`;
  return 'the loss';
}

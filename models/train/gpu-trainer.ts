// Training on a GPU that keeps the state: what Trainer does, with steps of gpu-step.ts.

import type { ClipConfig } from '../clip/config.ts';
import type { Parameter } from '../onnx/graph.ts';
import { dispose, fromGpu, type GpuState, toGpu } from './gpu-state.ts';
import { createGpuStep, type GpuStep } from './gpu-step.ts';
import { learningRate } from './schedule.ts';
import type { StepInputs, TokenIds } from './step-graph.ts';
import {
  decayAt,
  keptAt,
  MAX_LOG_LOGIT_SCALE,
  notANumber,
  type StepReport,
  type StepTrainer,
  shapeAt,
  type TrainerOptions,
  type TrainingState,
} from './trainer.ts';

export class GpuTrainer implements StepTrainer {
  readonly parameters: readonly Parameter[];
  readonly #config: ClipConfig;
  readonly #options: TrainerOptions;
  /** Null between two graphs and after the end. */
  #step: GpuStep | null;
  /** The state that the GPU holds the newest numbers of. */
  #loaded: { readonly state: TrainingState; held: GpuState; ahead: boolean } | null = null;

  private constructor(config: ClipConfig, options: TrainerOptions, step: GpuStep) {
    this.#config = config;
    this.#options = options;
    this.#step = step;
    this.parameters = step.parameters;
  }

  static async create(config: ClipConfig, options: TrainerOptions): Promise<GpuTrainer> {
    if (options.accumulate !== 1) {
      throw new Error(
        'On a GPU a batch is not run in parts. Give a --batch-size that its memory holds, and no --accum-freq.',
      );
    }
    return new GpuTrainer(
      config,
      options,
      await createGpuStep(config, shapeAt(0, config, options), stepOptions(options)),
    );
  }

  async train(state: TrainingState, inputs: StepInputs): Promise<StepReport> {
    const { schedule, beta1, beta2, weightDecay, averageDecay } = this.#options;
    const step = await this.#stepFor(state);
    if (this.#loaded?.state !== state) {
      this.#unload();
      this.#loaded = { state, held: toGpu(step.vectors, state), ahead: false };
    }
    const rate = learningRate(state.step, schedule);
    const number = state.step + 1;
    const result = await step.run(
      this.#loaded.held,
      {
        ...inputs,
        captions: padded(inputs.captions, step.shape.tokens),
        kept: keptAt(state.step, step.shape, this.#config, this.#options),
      },
      {
        rate,
        stepSize: rate / (1 - beta1 ** number),
        rootCorrection: Math.sqrt(1 - beta2 ** number),
        keep: 1 - rate * weightDecay,
        averageShare: 1 - decayAt(number, averageDecay),
      },
    );
    const { loss, gradientNorm, logitScale } = result;
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      dispose(result.state);
      await this.settle(state);
      throw notANumber({ loss, gradientNorm }, state);
    }
    dispose(this.#loaded.held);
    this.#loaded.held = result.state;
    this.#loaded.ahead = true;
    state.step = number;
    return { step: number, loss, learningRate: rate, logitScale: Math.exp(logitScale), gradientNorm };
  }

  async settle(state: TrainingState): Promise<void> {
    if (this.#step === null || this.#loaded?.state !== state || !this.#loaded.ahead) return;
    await fromGpu(this.#step.vectors, this.#loaded.held, state);
    this.#loaded.ahead = false;
  }

  /** Another graph where this step sees more patches and longer captions than the one before. */
  async #stepFor(state: TrainingState): Promise<GpuStep> {
    const shape = shapeAt(state.step, this.#config, this.#options);
    const now = this.#step;
    if (now?.shape.patches === shape.patches && now.shape.tokens === shape.tokens) return now;
    // Tensors on the GPU do not outlive the session that made them.
    await this.settle(state);
    await this.release();
    const step = await createGpuStep(this.#config, shape, stepOptions(this.#options));
    this.#step = step;
    return step;
  }

  async release(): Promise<void> {
    this.#unload();
    const step = this.#step;
    this.#step = null;
    await step?.release();
  }

  #unload(): void {
    if (this.#loaded) dispose(this.#loaded.held);
    this.#loaded = null;
  }
}

function stepOptions({ optimizer, beta1, beta2, epsilon, gradClipNorm, averageDecay }: TrainerOptions) {
  return {
    optimizer,
    beta1,
    beta2,
    epsilon,
    gradClipNorm,
    maxLogitScale: MAX_LOG_LOGIT_SCALE,
    average: averageDecay > 0,
  };
}

/** Shorter captions with more of what they end with: nothing behind the end of a text is looked at. */
function padded(captions: TokenIds, tokens: number): TokenIds {
  const [batch, length] = captions.dims;
  if (length === tokens) return captions;
  if (length > tokens)
    throw new Error(`Captions of ${length} tokens came to a step that reads ${tokens} of each.`);
  const input_ids = new BigInt64Array(batch * tokens);
  for (let row = 0; row < batch; row++) {
    input_ids.fill(captions.input_ids[(row + 1) * length - 1], row * tokens, (row + 1) * tokens);
    input_ids.set(captions.input_ids.subarray(row * length, (row + 1) * length), row * tokens);
  }
  return { dims: [batch, tokens], input_ids };
}

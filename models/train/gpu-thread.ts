// A GpuTrainer on a thread of its own. ONNX Runtime blocks the thread that asks for a step until the GPU has done it; the one that
// asks here meanwhile draws, compares and encodes the captions of the next.

import { transfer } from 'comlink';
import type { ClipConfig } from '../clip/config.ts';
import { startThread, type Thread } from '../files/thread.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import type { Parameter } from '../onnx/graph.ts';
import type { Served } from './gpu-trainer-worker.ts';
import type { StepInputs } from './step-graph.ts';
import type { StepReport, StepTrainer, TrainerOptions, TrainingState } from './trainer.ts';

const WORKER = new URL('./gpu-trainer-worker.ts', import.meta.url);

export class GpuThread implements StepTrainer {
  readonly parameters: readonly Parameter[];
  readonly #thread: Thread<Served>;
  /** The state that the thread has the newest numbers of. */
  #loaded: TrainingState | null = null;

  private constructor(thread: Thread<Served>, parameters: readonly Parameter[]) {
    this.#thread = thread;
    this.parameters = parameters;
  }

  /** Rejects as GpuTrainer's does. */
  static async create(config: ClipConfig, options: TrainerOptions): Promise<GpuThread> {
    const thread = startThread<Served>(WORKER, {
      doing: 'Training on the GPU',
      advice: 'Go on from the last checkpoint by --resume.',
    });
    try {
      return new GpuThread(thread, await thread.answer(thread.remote.open(config, options)));
    } catch (error) {
      await thread.end();
      throw error;
    }
  }

  /** As GpuTrainer's; takes the arrays of `inputs` away. */
  async train(state: TrainingState, inputs: StepInputs): Promise<StepReport> {
    const { answer, remote } = this.#thread;
    if (this.#loaded !== state) {
      await answer(remote.load(state));
      this.#loaded = state;
    }
    const report = await answer(remote.train(transfer(inputs, buffersOf(inputs))));
    state.step = report.step;
    return report;
  }

  async settle(state: TrainingState): Promise<void> {
    if (this.#loaded !== state) return;
    const newest = await this.#thread.answer(this.#thread.remote.settled());
    copy(newest.weights, state.weights);
    if (state.average && newest.average) copy(newest.average, state.average);
    for (const [name, { m, v }] of newest.moments) {
      const moments = weightsOf(state.moments, name);
      moments.m.set(m);
      moments.v.set(v);
    }
  }

  async release(): Promise<void> {
    this.#loaded = null;
    try {
      await this.#thread.answer(this.#thread.remote.release());
    } finally {
      await this.#thread.end();
    }
  }
}

function copy(from: Weights, to: Weights): void {
  for (const [name, values] of from) weightsOf(to, name).set(values);
}

/** Handed over, not copied: a batch of a thousand pictures has 50 MB. */
function buffersOf({ pixel_values, pairs }: StepInputs): ArrayBuffer[] {
  return [pixel_values, ...Object.values(pairs)].map(({ buffer }) => buffer);
}

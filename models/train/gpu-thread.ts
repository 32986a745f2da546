// A GpuTrainer on a thread of its own. ONNX Runtime blocks the thread that asks for a step until the GPU has done it; the one that
// asks here meanwhile draws, compares and encodes the captions of the next.

import type { Worker } from 'node:worker_threads';
import { type Remote, transfer, wrap } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import type { ClipConfig } from '../clip/config.ts';
import { startThread } from '../files/thread.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import type { Parameter } from '../onnx/graph.ts';
import type { Served } from './gpu-trainer-worker.ts';
import type { StepInputs } from './step-graph.ts';
import type { StepReport, StepTrainer, TrainerOptions, TrainingState } from './trainer.ts';

const WORKER = new URL('./gpu-trainer-worker.ts', import.meta.url);

export class GpuThread implements StepTrainer {
  readonly parameters: readonly Parameter[];
  readonly #thread: Thread;
  /** The state that the thread has the newest numbers of. */
  #loaded: TrainingState | null = null;

  private constructor(thread: Thread, parameters: readonly Parameter[]) {
    this.#thread = thread;
    this.parameters = parameters;
  }

  /** Rejects as GpuTrainer's does. */
  static async create(config: ClipConfig, options: TrainerOptions): Promise<GpuThread> {
    const thread = openThread();
    try {
      return new GpuThread(thread, await thread.answer(thread.remote.open(config, options)));
    } catch (error) {
      await thread.worker.terminate();
      throw error;
    }
  }

  /** As GpuTrainer's; takes the arrays of `inputs` away. */
  async train(state: TrainingState, inputs: StepInputs): Promise<StepReport> {
    const { remote, answer } = this.#thread;
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
    const { remote, answer } = this.#thread;
    const newest = await answer(remote.settled());
    copy(newest.weights, state.weights);
    if (state.average && newest.average) copy(newest.average, state.average);
    for (const [name, { m, v }] of newest.moments) {
      state.moments.get(name)?.m.set(m);
      state.moments.get(name)?.v.set(v);
    }
  }

  async release(): Promise<void> {
    this.#loaded = null;
    const { worker, remote, answer } = this.#thread;
    try {
      await answer(remote.release());
    } finally {
      await worker.terminate();
    }
  }
}

interface Thread {
  readonly worker: Worker;
  readonly remote: Remote<Served>;
  /** Of what was asked; rejects too where the thread ends, since nobody answers then. */
  answer<T>(asked: Promise<T>): Promise<T>;
}

function openThread(): Thread {
  const { worker, ended } = startThread(WORKER, 'Training on the GPU');
  return {
    worker,
    remote: wrap<Served>(nodeEndpoint(worker)),
    answer: (asked) => Promise.race([asked, ended]),
  };
}

function copy(from: Weights, to: Weights): void {
  for (const [name, values] of from) weightsOf(to, name).set(values);
}

/** Handed over, not copied: a batch of a thousand pictures has 50 MB. */
function buffersOf({ pixel_values, pairs }: StepInputs): ArrayBuffer[] {
  return [pixel_values, ...Object.values(pairs)].map(({ buffer }) => buffer);
}

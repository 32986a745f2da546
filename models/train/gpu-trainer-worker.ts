/** The thread of gpu-thread.ts: a GpuTrainer, and a state of its own. */
import { parentPort } from 'node:worker_threads';
import { expose } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import type { ClipConfig } from '../clip/config.ts';
import type { Parameter } from '../onnx/graph.ts';
import { GpuTrainer } from './gpu-trainer.ts';
import type { StepInputs } from './step-graph.ts';
import type { StepReport, TrainerOptions, TrainingState } from './trainer.ts';

let trainer: GpuTrainer | undefined;
let state: TrainingState | undefined;

function opened(): { trainer: GpuTrainer; state: TrainingState } {
  if (!trainer || !state) throw new Error('A step was asked for before a trainer and a state were there.');
  return { trainer, state };
}

const served = {
  async open(config: ClipConfig, options: TrainerOptions): Promise<readonly Parameter[]> {
    trainer = await GpuTrainer.create(config, options);
    return trainer.parameters;
  },
  load(given: TrainingState): void {
    state = given;
  },
  train(inputs: StepInputs): Promise<StepReport> {
    const { trainer, state } = opened();
    return trainer.train(state, inputs);
  },
  async settled(): Promise<TrainingState> {
    const { trainer, state } = opened();
    await trainer.settle(state);
    return state;
  },
  async release(): Promise<void> {
    await trainer?.release();
  },
};
export type Served = typeof served;

if (!parentPort)
  throw new Error('gpu-trainer-worker.ts runs as a worker thread; train with --device webgpu.');
expose(served, nodeEndpoint(parentPort));

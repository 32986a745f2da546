// A training run from top to bottom: a batch, a step, a line in the log; now and then a checkpoint, and an evaluation on rows
// that were held out of training, by which the best weights are chosen. The model folder always holds the best so far, the
// checkpoint beside it the last.

import { join } from 'node:path';
import type { ClipConfig } from '../clip/config.ts';
import type { EncodingBatch } from '../clip/types.ts';
import type { PairBatch, PairStream } from '../data/pair-stream.ts';
import type { TextPairStream } from '../data/text-pairs.ts';
import type { Weights } from '../networks/weights.ts';
import { type Progress, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { LOSSES, type LossInputs, type Positives } from './contrastive-loss.ts';
import { GpuThread } from './gpu-thread.ts';
import type { Evaluation, RunLog } from './log.ts';
import { writeModelFiles, writeWeights } from './model-folder.ts';
import { isOfModel } from './step-graph.ts';
import { finalWeights, type StepTrainer, startingState, Trainer, type TrainerOptions } from './trainer.ts';

export interface RunOptions {
  readonly out: string;
  readonly config: ClipConfig;
  /** For the model folder. */
  readonly tokenizerJson: unknown;
  /** The captions of a step as ids; early steps may cut them shorter (Li et al. 2023, "An inverse scaling law for CLIP training"). */
  readonly encode: (captions: readonly string[], step: number) => EncodingBatch;
  readonly pairs: PairStream;
  /** As many as the trainer's steps have beside the pictures. */
  readonly textPairs?: TextPairStream;
  /** Weights to start from instead of random ones. */
  readonly pretrained?: Weights;
  /** What the steps run on: ONNX Runtime's CPU kernels, or a GPU through its WebGPU provider. */
  readonly device: 'cpu' | 'webgpu';
  readonly trainer: TrainerOptions;
  /** What pairs are to each other that share a label or a caption. */
  readonly positives: Positives;
  /** What else the loss is to aim at in a batch; left out where its pairs say it all. */
  readonly soften?: (inputs: LossInputs, batch: PairBatch) => Promise<LossInputs>;
  /** Recorded in the checkpoint; a resumed run must have the same. */
  readonly settings: Progress['settings'];
  readonly resume: boolean;
  /** Steps between checkpoints, and between evaluations. */
  readonly saveEvery: number;
  readonly evaluateEvery: number;
  /** How good weights are on held-out rows; null where nothing is held out. */
  readonly evaluate: ((weights: Weights) => Promise<Evaluation>) | null;
  readonly log: RunLog;
  /** After the step in hand, a checkpoint is written and the run ends. */
  readonly signal: AbortSignal;
}

export const CHECKPOINT = 'checkpoint.safetensors';

const BEFORE_THE_FIRST = -1;

export async function runTraining(options: RunOptions): Promise<Progress> {
  const { config, encode, pairs, log, signal } = options;
  const { totalSteps } = options.trainer.schedule;
  const checkpoint = join(options.out, CHECKPOINT);
  const kinds = { cpu: Trainer, webgpu: GpuThread };
  const trainer: StepTrainer = await kinds[options.device].create(config, options.trainer);
  const { parameters } = trainer;
  const ofModel = parameters.filter(isOfModel);
  const loss = LOSSES[options.trainer.loss];

  let best: Progress['best'] = null;
  // What is already trained is judged before the first step too: a run that only spoils it leaves it as it was.
  let evaluated = options.pretrained ? BEFORE_THE_FIRST : 0;
  let state = startingState(parameters, options.trainer, options.pretrained);
  if (options.resume) {
    try {
      const saved = await readCheckpoint(checkpoint, parameters, options.trainer.optimizer);
      refuseOtherSettings(checkpoint, saved.progress.settings, options.settings);
      ({ state } = saved);
      ({ best, evaluated } = saved.progress);
    } catch (error) {
      await trainer.release();
      throw error;
    }
  }
  const progress = (): Progress => ({ step: state.step, settings: options.settings, best, evaluated });
  const save = async () => {
    await trainer.settle(state);
    await writeCheckpoint(checkpoint, parameters, state, progress());
    await log.checkpoint();
  };

  const done = () => state.step === totalSteps;
  /** Comes after saving, so that an evaluation that fails costs no step, and a resumed run begins with it. */
  const evaluationDue = () =>
    options.evaluate !== null &&
    state.step > evaluated &&
    (done() || state.step % options.evaluateEvery === 0);

  /** What a step reads. */
  const prepare = async (step: number) => {
    const batch = await pairs.batch(step);
    const beside = options.textPairs?.draw(step);
    const texts = beside ? [...batch.captions, ...beside.names, ...beside.meanings] : batch.captions;
    return {
      batch,
      inputs: {
        pixel_values: batch.pixel_values,
        captions: encode(texts, step),
        pairs: loss.inputsOf(batch.keys, options.positives),
        textPairs: beside && loss.inputsOf(beside.keys, options.positives),
        wordVectors: beside?.vectors && {
          data: beside.vectors.data,
          pairs: loss.inputsOf(beside.vectors.keys, options.positives),
        },
      },
    };
  };
  // One step ahead, so that a GPU does not wait while words are drawn and encoded.
  let ahead: ReturnType<typeof prepare> | null = null;

  log.start(state.step, totalSteps);
  try {
    // A run that is killed early can be resumed, not only be in the way of the next one; one that did not begin leaves nothing.
    if (!options.resume) {
      await writeModelFiles(options.out, config, options.tokenizerJson);
      await save();
    }
    while (!signal.aborted) {
      if (options.evaluate && evaluationDue()) {
        const evaluation = await options.evaluate(finalWeights(state));
        const { accuracy } = evaluation;
        // Of equals the later: it was trained at a lower rate.
        const better = best === null || accuracy >= best.accuracy;
        if (better) {
          await writeWeights(options.out, config, ofModel, finalWeights(state));
          best = { step: state.step, accuracy };
        }
        evaluated = state.step;
        await save();
        await log.evaluation({ step: state.step, ...evaluation, better });
      }
      if (done()) break;

      const started = performance.now();
      const { batch, inputs } = await (ahead ?? prepare(state.step));
      // Not ahead: a teacher may be on the GPU that the step before was on, whose provider runs one session at a time.
      const pairsOfStep = (await options.soften?.(inputs.pairs, batch)) ?? inputs.pairs;
      const waited = performance.now() - started;
      const following = state.step + 1;
      ahead = following < totalSteps ? prepare(following) : null;
      // Its failure is told when its turn comes; until then it must not end the process as unhandled.
      ahead?.catch(() => undefined);
      const report = await trainer.train(state, { ...inputs, pairs: pairsOfStep });
      log.step({ ...report, skipped: batch.skipped, waited, took: performance.now() - started });
      if (signal.aborted || done() || evaluationDue() || state.step % options.saveEvery === 0) await save();
    }
    // Without a best the last are the best there are.
    if (!best) await writeWeights(options.out, config, ofModel, finalWeights(state));
    return progress();
  } finally {
    // Who closes what it reads from must not find it reading.
    await ahead?.catch(() => undefined);
    try {
      await trainer.release();
    } finally {
      await log.stop();
    }
  }
}

function refuseOtherSettings(path: string, saved: Progress['settings'], given: Progress['settings']): void {
  for (const name of new Set([...Object.keys(saved), ...Object.keys(given)])) {
    if (saved[name] !== given[name]) {
      throw new Error(
        `${path} cannot be resumed: it was written with ${name} ${saved[name] ?? 'unset'}, this run has ${given[name] ?? 'unset'}. Give the same settings, or start anew without --resume in another folder.`,
      );
    }
  }
}

// A training run from top to bottom: a batch, a step, a line in the log; now and then a checkpoint, and an evaluation on rows
// that were held out of training, by which the best weights are chosen. The model folder always holds the best so far, the
// checkpoint beside it the last.

import { existsSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClipConfig } from '../clip/config.ts';
import type { PairBatch, PairStream } from '../data/pair-stream.ts';
import type { TextPairStream } from '../data/text-pairs.ts';
import { removeUnfinished } from '../files/folder.ts';
import type { Weights } from '../networks/weights.ts';
import {
  bytesOf,
  bytesOfWeights,
  type Checkpoint,
  type Progress,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts';
import { LOSSES, type LossInputs, type Positives } from './contrastive-loss.ts';
import { GpuThread } from './gpu-thread.ts';
import type { Evaluation, RunLog } from './log.ts';
import { writeConfig, writeTextFiles, writeWeights } from './model-folder.ts';
import { isOfModel, type TokenIds } from './step-graph.ts';
import {
  finalWeights,
  type StepTrainer,
  startingState,
  Trainer,
  type TrainerOptions,
  type TrainingState,
  tokensAt,
} from './trainer.ts';

export interface RunOptions {
  readonly out: string;
  readonly config: ClipConfig;
  /** For the model folder. */
  readonly tokenizerJson: unknown;
  /**
   * Captions as ids, cut at so many tokens: early steps cut them shorter (Li et al. 2023, "An inverse scaling law for CLIP
   * training").
   */
  readonly encode: (captions: readonly string[], tokens: number) => TokenIds;
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
  /** How good weights are on held-out rows, and what they say of a sample; null where nobody asks. */
  readonly evaluate: ((weights: Weights) => Promise<Evaluation>) | null;
  readonly log: RunLog;
  /** After the step in hand, a checkpoint is written and the run ends. */
  readonly signal: AbortSignal;
}

export const CHECKPOINT = 'checkpoint.safetensors';

const BEFORE_THE_FIRST = -1;

export async function runTraining(options: RunOptions): Promise<Progress> {
  const kinds = { cpu: Trainer, webgpu: GpuThread };
  const trainer: StepTrainer = await kinds[options.device].create(options.config, options.trainer);
  try {
    return await run(options, trainer, await begin(options, trainer));
  } finally {
    await trainer.release();
  }
}

/** Where the run stands: at its start, or where its checkpoint was written. */
async function begin(options: RunOptions, { parameters }: StepTrainer): Promise<Checkpoint> {
  const { out, resume, pretrained, settings, trainer } = options;
  await removeUnfinished(join(out, CHECKPOINT));
  await removeUnfinished(join(out, 'model.safetensors'));
  // What is already trained is judged before the first step too: a run that only spoils it leaves it as it was.
  const evaluated = pretrained ? BEFORE_THE_FIRST : 0;
  const checkpoint = resume
    ? await readCheckpoint(join(out, CHECKPOINT), parameters, trainer.optimizer, settings)
    : {
        state: startingState(parameters, trainer, pretrained),
        progress: { step: 0, settings, best: null, evaluated },
      };
  await refuseFullDisk(out, checkpoint.state);
  return checkpoint;
}

/** Of what is not there yet: each file is written beside the one that it replaces. */
async function refuseFullDisk(out: string, state: TrainingState): Promise<void> {
  await mkdir(out, { recursive: true });
  const [checkpoint, model] = [bytesOf(state), bytesOfWeights(state)];
  const isThere = (name: string) => existsSync(join(out, name));
  const needed =
    checkpoint + model + (isThere(CHECKPOINT) ? 0 : checkpoint) + (isThere('model.safetensors') ? 0 : model);
  const { bavail, bsize } = await statfs(out);
  if (bavail * bsize >= needed) return;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toPrecision(3)} MB`;
  throw new Error(
    `The disk of ${out} has ${megabytes(bavail * bsize)} left; the run needs ${megabytes(needed)} for its checkpoints, of ${megabytes(checkpoint)} each, and its model, of ${megabytes(model)}. Make room, or name a folder on another disk in --out.`,
  );
}

async function run(options: RunOptions, trainer: StepTrainer, begun: Checkpoint): Promise<Progress> {
  const { out, config, log, signal, evaluate } = options;
  const { totalSteps } = options.trainer.schedule;
  const { parameters } = trainer;
  const ofModel = parameters.filter(isOfModel);
  const { state } = begun;
  let { best, evaluated } = begun.progress;

  const progress = (): Progress => ({ step: state.step, settings: options.settings, best, evaluated });
  const save = async () => {
    await trainer.settle(state);
    await writeCheckpoint(join(out, CHECKPOINT), parameters, state, progress());
    await log.checkpoint();
  };
  const done = () => state.step === totalSteps;
  /** Comes after saving, so that an evaluation that fails costs no step, and a resumed run begins with it. */
  const evaluationDue = () =>
    evaluate !== null && state.step > evaluated && (done() || state.step % options.evaluateEvery === 0);
  const judge = async (evaluate: NonNullable<RunOptions['evaluate']>) => {
    const evaluation = await evaluate(finalWeights(state));
    const { accuracy } = evaluation;
    // Of equals the later: it was trained at a lower rate.
    const better = accuracy !== null && (best === null || accuracy >= best.accuracy);
    if (better) {
      await writeWeights(out, config, ofModel, finalWeights(state));
      best = { step: state.step, accuracy };
    }
    evaluated = state.step;
    // Told before it counts as done: a run that is killed between the two tells it twice, and never not at all.
    await log.evaluation({ step: state.step, ...evaluation, better });
    await save();
  };
  // One step ahead, so that a GPU does not wait while words are drawn and encoded.
  let ahead: ReturnType<typeof prepare> | null = null;

  try {
    log.start(state.step, totalSteps);
    // A run that is killed before its first checkpoint is begun anew, one that is killed after it resumed: config.json, by which
    // a folder is known for a model's that is in the way, comes behind both.
    if (!options.resume) {
      await writeTextFiles(out, config, options.tokenizerJson);
      await save();
    }
    if (!existsSync(join(out, 'config.json'))) await writeConfig(out, config);
    while (!signal.aborted) {
      if (evaluate && evaluationDue()) await judge(evaluate);
      if (done()) break;

      const started = performance.now();
      const { batch, inputs } = await (ahead ?? prepare(options, state.step));
      // Not ahead: a teacher may be on the GPU that the step before was on, whose provider runs one session at a time.
      const pairsOfStep = (await options.soften?.(inputs.pairs, batch)) ?? inputs.pairs;
      const waited = performance.now() - started;
      const following = state.step + 1;
      ahead = following < totalSteps ? prepare(options, following) : null;
      // Its failure is told when its turn comes; until then it must not end the process as unhandled.
      ahead?.catch(() => undefined);
      const report = await trainer.train(state, { ...inputs, pairs: pairsOfStep });
      log.step({ ...report, skipped: batch.skipped, waited, took: performance.now() - started });
      if (signal.aborted || done() || evaluationDue() || state.step % options.saveEvery === 0) await save();
    }
    // Without a best the last are the best there are.
    if (!best) await writeWeights(out, config, ofModel, finalWeights(state));
    return progress();
  } finally {
    // Who closes what it reads from must not find it reading.
    await ahead?.catch(() => undefined);
    await log.stop();
  }
}

/** What a step reads. */
async function prepare({ config, encode, pairs, positives, textPairs, trainer }: RunOptions, step: number) {
  const loss = LOSSES[trainer.loss];
  const batch = await pairs.batch(step);
  const beside = textPairs?.draw(step);
  const texts = beside ? [...batch.captions, ...beside.names, ...beside.meanings] : batch.captions;
  const { input_ids, dims } = encode(texts, tokensAt(step, config, trainer));
  return {
    batch,
    inputs: {
      pixel_values: batch.pixel_values,
      captions: { input_ids, dims },
      pairs: loss.inputsOf(batch.keys, positives),
      textPairs: beside && loss.inputsOf(beside.keys, positives),
      wordVectors: beside?.vectors && {
        data: beside.vectors.data,
        pairs: loss.inputsOf(beside.vectors.keys, positives),
      },
    },
  };
}

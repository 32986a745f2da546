// npm run -s train -- --train-data ../shared/data/train --out runs/mini
// npm run -s train -- --train-data ../shared/data/train --out runs/mini --resume
//
// Trains a CLIP from pictures and words and leaves a model folder; `npm run -s export -- --model runs/mini` makes it ready for
// the page. Ctrl-C finishes the step in hand, writes a checkpoint and stops.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTokenizer } from '../clip/tokenizer.ts';
import { CAPTION_WORDS } from '../data/captions.ts';
import { readLexicon } from '../data/lexicon.ts';
import { openPairStream, type PairStream } from '../data/pair-stream.ts';
import { openSources, upsample } from '../data/sources.ts';
import type { PairSource } from '../data/types.ts';
import { type Progress, ROWS_TO_TRAIN_ON } from '../train/checkpoint.ts';
import type { LossName } from '../train/contrastive-loss.ts';
import { MEAN, STD } from '../train/model-folder.ts';
import { CHECKPOINT, type RunOptions, runTraining } from '../train/run.ts';
import type { TrainerOptions } from '../train/trainer.ts';
import { command, runWhereMain, UsageError } from './arguments.ts';
import { csvColumns } from './data-options.ts';
import { holdOut, judge, judgesOf } from './held-out.ts';
import { interruptible } from './interruption.ts';
import { type NetworkToTrain, networkToTrain } from './network-to-train.ts';
import { defaultBatchSize, runLength } from './run-length.ts';
import { openRunLogs, type RunLogs, refuseReports, withReport } from './run-logs.ts';
import { softeningOf } from './softening.ts';
import { openTextData, refuseWithoutTextData } from './text-data.ts';
import {
  ELSEWHERE,
  FINE_RATE,
  MOST_WARMUP,
  PEAK_RATE,
  TRAIN_OPTIONS,
  type TrainOptions,
} from './train-options.ts';

export const train = command({
  name: 'train',
  summary: 'Trains a CLIP from pictures and words and leaves a model folder.',
  options: TRAIN_OPTIONS,
  elsewhere: ELSEWHERE,
  run: async (options) => {
    const softening = softeningOf(options);
    refuseContradictions(options);
    const data = await openData(options);
    const network = await networkToTrain(options, data.split.train, data);
    const plan = planOf(options, data, network, softening.settings);
    const logs = openRunLogs(options.out, plan.trainer.batchSize, plan.guessing, options['report-to']);
    const { soften, close: closeTeacher } = await softening.open();
    try {
      const pairs = openPairStream(data.shown, {
        batchSize: plan.trainer.batchSize,
        imageSize: network.config.vision_config.image_size,
        mean: MEAN,
        std: STD,
        seed: options.seed,
        workers: options.workers,
        cropScale: [options['crop-scale'], 1],
        flipProb: options['flip-prob'],
        colorJitterProb: options['color-jitter-prob'],
        grayScaleProb: options['gray-scale-prob'],
        lowResProb: options['low-res-prob'],
        lexicon: data.lexicon,
        captionWords: data.captionWords,
        onDamaged: logs.log.damaged,
      });
      try {
        await trainOn(pairs, { options, data, network, plan, logs, soften });
      } finally {
        await pairs.close();
      }
    } finally {
      await closeTeacher();
    }
  },
});

/** All that a run reads, as it lies and as it is shown. */
async function openData(options: TrainOptions) {
  const csv = csvColumns(options);
  const factors = parseFactors(options['upsampling-factors'] ?? []);
  const source = await openSources(options['train-data'], console.warn, { csv });
  const meanings = options.lexicon === undefined ? undefined : await readLexicon(options.lexicon);
  if (!options.resume) await refuseOtherRun(options.out);
  const split = holdOut(source, options);
  refuseNothingToContrast(split.train);
  const part = options['batch-size'] ?? defaultBatchSize(split.train.length);
  const batchSize = part * options['accum-freq'];
  return {
    csv,
    factors,
    split,
    shown: upsample(split.train, factors),
    lexicon: meanings?.lexicon,
    lexiconVersion: meanings?.version,
    // Whatever order they are given in, and however often, they are one setting.
    captionWords: CAPTION_WORDS.filter((each) => each === 'names' || options['caption-words'].includes(each)),
    part,
    batchSize,
    texts: await openTextData(options, batchSize),
  };
}
type Data = Awaited<ReturnType<typeof openData>>;

/** What a run does in numbers, and what its checkpoint remembers of it. */
function planOf(options: TrainOptions, data: Data, network: NetworkToTrain, softening: Progress['settings']) {
  const { batchSize, texts } = data;
  const length = lengthOf(options, Math.floor(data.shown.length / batchSize));
  const captionTokens = Math.min(options['caption-tokens'], network.tokenizer.contextLength);
  const loss: LossName = options.siglip ? 'sigmoid' : 'softmax';
  // What texts beside the pictures or a teacher add has no such number.
  const isPlain = loss === 'softmax' && !texts.stream && options['distill-model'] === undefined;
  const trainer: TrainerOptions = {
    batchSize,
    accumulate: options['accum-freq'],
    loss,
    textPairs: texts.shape,
    optimizer: options.opt,
    averageDecay: options['ema-decay'],
    threads: options.threads,
    precision: options.precision,
    seed: options.seed,
    patchDropout: options['patch-dropout'],
    reducedSteps: length.reducedSteps,
    captionTokens,
    gradClipNorm: options['grad-clip-norm'],
    schedule: length.schedule,
    beta1: options.beta1,
    beta2: options.beta2,
    epsilon: options.eps,
    weightDecay: options.wd,
  };
  return {
    trainer,
    length,
    guessing: isPlain ? { loss: Math.log(batchSize), label: `ln ${batchSize}` } : null,
    settings: {
      ...settingsOf(options, data, trainer, length.epochs),
      ...softening,
      ...texts.settings,
    },
  };
}

interface Run {
  readonly options: TrainOptions;
  readonly data: Data;
  readonly network: NetworkToTrain;
  readonly plan: ReturnType<typeof planOf>;
  readonly logs: RunLogs;
  readonly soften: RunOptions['soften'];
}

async function trainOn(
  pairs: PairStream,
  { options, data, network, plan, logs, soften }: Run,
): Promise<void> {
  const { out, threads } = options;
  const { config, tokenizerJson, tokenizer } = network;
  const { trainer, length, settings, guessing } = plan;
  const cutting = await parseTokenizer({ tokenizerJson }, { contextLength: trainer.captionTokens });
  const wantsSample = logs.history !== null;
  const judges = await judgesOf(data.split, wantsSample, logs.log.damaged);
  const run = { out, config, loss: trainer.loss, guessing, judges, settings };
  const log = await withReport(logs, { ...run, batchesPerEpoch: pairs.batchesPerEpoch });
  await interruptible(`${out} was interrupted.`, async (signal) => {
    const { step, evaluated } = await runTraining({
      out,
      config,
      tokenizerJson,
      encode: (captions, tokens) =>
        (tokens <= trainer.captionTokens ? cutting : tokenizer).encodeBatch(captions),
      pairs,
      textPairs: data.texts.stream,
      pretrained: network.weights,
      positives: options.positives,
      soften,
      device: options.device,
      trainer,
      settings,
      resume: options.resume,
      saveEvery: length.saveEvery,
      evaluateEvery: length.evaluateEvery,
      evaluate:
        judges && ((weights) => judge({ ...judges, wantsSample, config, tokenizerJson, threads }, weights)),
      log,
      signal,
    });
    const { totalSteps } = trainer.schedule;
    if (!signal.aborted) return;
    // What follows, in a recipe or a shell, is not to take half a run for a whole one.
    const isWhole = step === totalSteps && (!judges || evaluated === step);
    throw new Error(
      isWhole
        ? `${out} was interrupted when its last step was done; nothing of it is missing.`
        : `${out} was stopped at step ${step} of ${totalSteps}; its checkpoint is there. The same command with --resume goes on.`,
    );
  });
}

function refuseContradictions(options: TrainOptions): void {
  refuseReports(options['report-to']);
  refuseWithoutTextData(options);
  if (options.pretrained !== undefined && options.model !== undefined) {
    throw new UsageError('--pretrained brings its own network; leave --model out.');
  }
  if (options.device === 'webgpu' && options['accum-freq'] !== 1) {
    throw new UsageError('--device webgpu runs a batch whole; leave --accum-freq out.');
  }
  if (options.device === 'webgpu' && options.precision !== 'fp32') {
    throw new UsageError(`--precision ${options.precision} is for the CPU; leave it or --device webgpu out.`);
  }
}

/** A single class' pictures would all be matches of each other's captions, and the loss zero. */
function refuseNothingToContrast(rows: PairSource): void {
  if (rows.length === 0) {
    throw new Error(
      `${rows.name} has no rows left to train on: all are held out. Give a smaller number in --held-out-classes, or more data.`,
    );
  }
  const nameOf = (index: number) => rows.text(index).labels[0]?.toLowerCase();
  const first = nameOf(0);
  for (let index = 0; index < rows.length; index++) {
    if (rows.text(index).captions.length > 0 || nameOf(index) !== first) return;
  }
  throw new Error(
    `${rows.name} has a single class, ${JSON.stringify(first)}; training contrasts pictures with the words of others, and needs two. Add pictures of something else.`,
  );
}

function lengthOf(options: TrainOptions, batchesPerEpoch: number) {
  const { totalSteps, ...length } = runLength(Math.max(1, batchesPerEpoch), {
    epochs: options.epochs,
    saveFrequency: options['save-frequency'],
    evaluateFrequency: options['zeroshot-frequency'],
  });
  const warmupSteps = options.warmup ?? Math.min(MOST_WARMUP, Math.floor(totalSteps / 10));
  if (warmupSteps > totalSteps) {
    throw new UsageError(
      `--warmup is ${warmupSteps}, longer than the whole run of ${totalSteps} steps, which would never reach --lr. Give fewer steps or more --epochs, or leave --warmup out.`,
    );
  }
  const peak = options.lr ?? (options.pretrained === undefined ? PEAK_RATE : FINE_RATE);
  const unmasked = Math.round(options['unmasked-epochs'] * batchesPerEpoch);
  return {
    ...length,
    schedule: { peak, warmupSteps, totalSteps },
    /** Steps with patches left out and short captions. */
    reducedSteps: Math.max(0, totalSteps - unmasked),
  };
}

/** What a checkpoint remembers, by the names of the options, so that whoever resumes with others is told which to change. */
function settingsOf(
  options: TrainOptions,
  { csv, factors, split, lexiconVersion, captionWords, part }: Data,
  { schedule, captionTokens }: TrainerOptions,
  epochs: number,
): Progress['settings'] {
  return {
    '--train-data': options['train-data'],
    '--csv-img-key': csv.image,
    '--csv-caption-key': csv.caption,
    '--csv-separator': options['csv-separator'] ?? '',
    ...whereUsed({
      '--lexicon': lexiconVersion,
      '--caption-words': captionWords.length === CAPTION_WORDS.length ? undefined : captionWords.join(),
      '--device': options.device === 'cpu' ? undefined : options.device,
      '--flip-prob': options['flip-prob'] === 0.5 ? undefined : String(options['flip-prob']),
      '--color-jitter-prob': options['color-jitter-prob'],
      '--low-res-prob': options['low-res-prob'],
      '--held-out-classes': options['held-out-classes'],
      '--opt': options.opt === 'adamw' ? undefined : options.opt,
      '--precision': options.precision === 'fp32' ? undefined : options.precision,
    }),
    '--pretrained': options.pretrained ?? '',
    '--held-out': split.heldOut?.length ?? 0,
    [ROWS_TO_TRAIN_ON]: split.train.length,
    '--batch-size': part,
    '--accum-freq': options['accum-freq'],
    '--siglip': options.siglip,
    '--positives': options.positives,
    '--ema-decay': options['ema-decay'],
    '--epochs': epochs,
    '--unmasked-epochs': options['unmasked-epochs'],
    '--seed': options.seed,
    '--gray-scale-prob': options['gray-scale-prob'],
    '--upsampling-factors': [...factors].map((pair) => pair.join('=')).join(),
    '--lr': schedule.peak,
    '--warmup': schedule.warmupSteps,
    '--wd': options.wd,
    '--beta1': options.beta1,
    '--beta2': options.beta2,
    '--eps': options.eps,
    '--grad-clip-norm': options['grad-clip-norm'],
    '--crop-scale': options['crop-scale'],
    '--patch-dropout': options['patch-dropout'],
    '--caption-tokens': captionTokens,
  };
}

/** Settings that a checkpoint names only where they do something, so that runs begun before there were any go on. */
function whereUsed(settings: Readonly<Record<string, string | number | undefined>>): Progress['settings'] {
  const used = Object.entries(settings).flatMap(([name, value]) => (value ? [[name, value] as const] : []));
  return Object.fromEntries(used);
}

/** `caltech101=3` as a data set and a whole number of times. */
function parseFactors(given: readonly string[]): Map<string, number> {
  const factors = new Map<string, number>();
  for (const each of given) {
    const [, name, times] = each.match(/^(.+)=([1-9]\d?)$/) ?? [];
    if (name === undefined || factors.has(name)) {
      throw new UsageError(
        `--upsampling-factors has ${each}; expected data sets, each once, with a number from 1 to 99: caltech101=3,flickr8k=2.`,
      );
    }
    factors.set(name, Number(times));
  }
  return factors;
}

/** Neither a run nor a model is ever written over. */
async function refuseOtherRun(out: string): Promise<void> {
  const found = await readdir(out).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw new Error(`The folder ${out} cannot be listed: ${error.message}. Name another one in --out.`, {
      cause: error,
    });
  });
  if (found.includes(CHECKPOINT)) {
    throw new Error(
      `${join(out, CHECKPOINT)} belongs to an earlier run. Go on with it by --resume, or name another folder in --out.`,
    );
  }
  const model = ['model.safetensors', 'manifest.json', 'config.json'].find((name) => found.includes(name));
  if (model) {
    throw new Error(
      `${join(out, model)} belongs to a model, which training would write over. Name another folder in --out, or take the model away first.`,
    );
  }
}

await runWhereMain(import.meta, train);

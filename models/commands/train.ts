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
import { openPairStream } from '../data/pair-stream.ts';
import { openSources, upsample } from '../data/sources.ts';
import type { PairSource } from '../data/types.ts';
import type { Progress } from '../train/checkpoint.ts';
import { MEAN, STD } from '../train/model-folder.ts';
import { CHECKPOINT, runTraining } from '../train/run.ts';
import { command, runWhereMain, UsageError } from './arguments.ts';
import { csvColumns } from './data-options.ts';
import { holdOut, judge, judgesOf } from './held-out.ts';
import { interruptible } from './interruption.ts';
import { networkToTrain } from './network-to-train.ts';
import { defaultBatchSize, runLength } from './run-length.ts';
import { openRunLogs, refuseReports, withReport } from './run-logs.ts';
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
    const { out, seed, resume, threads } = options;
    const csv = csvColumns(options);
    const factors = parseFactors(options['upsampling-factors'] ?? []);
    const source = await openSources(options['train-data'], console.warn, { csv });
    const meanings = options.lexicon === undefined ? undefined : await readLexicon(options.lexicon);
    const lexicon = meanings?.lexicon;
    if (!resume) await refuseOtherRun(out);
    const split = holdOut(source, options);
    const { train: trainRows, heldOut } = split;
    refuseSingleClass(trainRows);

    const part = options['batch-size'] ?? defaultBatchSize(trainRows.length);
    const batchSize = part * options['accum-freq'];
    const textData = await openTextData(options, batchSize);
    const { config, tokenizerJson, tokenizer, weights } = await networkToTrain(options, trainRows, lexicon);
    const captionTokens = Math.min(options['caption-tokens'], tokenizer.contextLength);
    const cutting = await parseTokenizer({ tokenizerJson }, { contextLength: captionTokens });
    const loss = options.siglip ? 'sigmoid' : 'softmax';
    // What texts beside the pictures or a teacher add has no such number.
    const isPlain = loss === 'softmax' && !textData.stream && options['distill-model'] === undefined;
    const guessing = isPlain ? { loss: Math.log(batchSize), label: `ln ${batchSize}` } : null;
    const logs = openRunLogs(out, batchSize, guessing, options['report-to']);
    const { log } = logs;
    const shown = upsample(trainRows, factors);
    const length = lengthOf(options, Math.floor(shown.length / batchSize));
    const { soften, close: closeTeacher } = await softening.open();
    try {
      const pairs = openPairStream(shown, {
        batchSize,
        imageSize: config.vision_config.image_size,
        mean: MEAN,
        std: STD,
        seed,
        workers: options.workers,
        cropScale: [options['crop-scale'], 1],
        flipProb: options['flip-prob'],
        colorJitterProb: options['color-jitter-prob'],
        grayScaleProb: options['gray-scale-prob'],
        lowResProb: options['low-res-prob'],
        lexicon,
        captionWords: options['caption-words'],
        onDamaged: log.damaged,
      });
      try {
        const wantsSample = logs.history !== null;
        const judges = await judgesOf(split, wantsSample, log.damaged);
        const settings = settingsOf(options, {
          '--train-data': options['train-data'],
          '--csv-img-key': csv.image,
          '--csv-caption-key': csv.caption,
          '--csv-separator': options['csv-separator'] ?? '',
          ...whereUsed({ '--lexicon': meanings?.version }),
          ...softening.settings,
          ...textData.settings,
          '--held-out': heldOut?.length ?? 0,
          'rows to train on': trainRows.length,
          '--batch-size': part,
          '--epochs': length.epochs,
          '--upsampling-factors': [...factors].map((pair) => pair.join('=')).join(),
          '--lr': length.schedule.peak,
          '--warmup': length.schedule.warmupSteps,
          '--caption-tokens': captionTokens,
        });
        const { step } = await interruptible(`${out} was interrupted.`, async (signal) =>
          runTraining({
            out,
            config,
            tokenizerJson,
            encode: (captions, tokens) =>
              (tokens <= captionTokens ? cutting : tokenizer).encodeBatch(captions),
            pairs,
            textPairs: textData.stream,
            pretrained: weights,
            positives: options.positives,
            soften,
            device: options.device,
            trainer: {
              batchSize,
              accumulate: options['accum-freq'],
              loss,
              textPairs: textData.shape,
              optimizer: options.opt,
              averageDecay: options['ema-decay'],
              threads,
              precision: options.precision,
              seed,
              patchDropout: options['patch-dropout'],
              reducedSteps: length.reducedSteps,
              captionTokens,
              gradClipNorm: options['grad-clip-norm'],
              schedule: length.schedule,
              beta1: options.beta1,
              beta2: options.beta2,
              epsilon: options.eps,
              weightDecay: options.wd,
            },
            settings,
            resume,
            saveEvery: length.saveEvery,
            evaluateEvery: length.evaluateEvery,
            evaluate:
              judges &&
              ((weights) => judge({ ...judges, wantsSample, config, tokenizerJson, threads }, weights)),
            log: await withReport(logs, {
              out,
              config,
              loss,
              guessing,
              judges,
              settings,
              batchesPerEpoch: pairs.batchesPerEpoch,
            }),
            signal,
          }),
        );
        const { totalSteps } = length.schedule;
        // What follows, in a recipe or a shell, is not to take half a run for a whole one.
        if (step < totalSteps) {
          throw new Error(
            `${out} was stopped at step ${step} of ${totalSteps}; its checkpoint is there. The same command with --resume goes on.`,
          );
        }
      } finally {
        await pairs.close();
      }
    } finally {
      await closeTeacher();
    }
  },
});

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

/** Its pictures would all be matches of each other's captions, and the loss zero. */
function refuseSingleClass(rows: PairSource): void {
  const [first] = rows.length > 0 ? rows.text(0).labels : [];
  for (let index = 0; index < rows.length; index++) {
    const { labels, captions } = rows.text(index);
    if (captions.length > 0 || labels[0] !== first) return;
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

/**
 * What a checkpoint remembers, by the names of the options, so that whoever resumes with others is told which to change.
 * @param found what is known only where the data is, or stands in several options
 */
function settingsOf(options: TrainOptions, found: Progress['settings']): Progress['settings'] {
  return {
    ...found,
    ...whereUsed({
      '--device': options.device === 'cpu' ? undefined : options.device,
      '--flip-prob': options['flip-prob'] === 0.5 ? undefined : String(options['flip-prob']),
      '--caption-words':
        options['caption-words'].length === CAPTION_WORDS.length
          ? undefined
          : options['caption-words'].join(),
      '--color-jitter-prob': options['color-jitter-prob'],
      '--low-res-prob': options['low-res-prob'],
      '--held-out-classes': options['held-out-classes'],
      '--opt': options.opt === 'adamw' ? undefined : options.opt,
      '--precision': options.precision === 'fp32' ? undefined : options.precision,
    }),
    '--pretrained': options.pretrained ?? '',
    '--accum-freq': options['accum-freq'],
    '--siglip': options.siglip,
    '--positives': options.positives,
    '--ema-decay': options['ema-decay'],
    '--unmasked-epochs': options['unmasked-epochs'],
    '--seed': options.seed,
    '--gray-scale-prob': options['gray-scale-prob'],
    '--wd': options.wd,
    '--beta1': options.beta1,
    '--beta2': options.beta2,
    '--eps': options.eps,
    '--grad-clip-norm': options['grad-clip-norm'],
    '--crop-scale': options['crop-scale'],
    '--patch-dropout': options['patch-dropout'],
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

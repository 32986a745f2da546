// npm run -s train -- --train-data ../shared/data/train --out runs/mini
// npm run -s train -- --train-data ../shared/data/train --out runs/mini --resume
//
// Trains a CLIP from pictures and words and leaves a model folder; `npm run -s export -- --model runs/mini` makes it ready for
// the page. Ctrl-C finishes the step in hand, writes a checkpoint and stops.

import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseTokenizer } from '../clip/tokenizer.ts';
import { readLexicon } from '../data/lexicon.ts';
import { SMALL } from '../data/low-resolution.ts';
import { DATA_KINDS } from '../data/open-path.ts';
import { openPairStream } from '../data/pair-stream.ts';
import { soundRows } from '../data/sound-rows.ts';
import { defaultHeldOut, openSources, splitHeldOut, upsample } from '../data/sources.ts';
import type { Progress } from '../train/checkpoint.ts';
import { MEAN, STD, writeModelFiles } from '../train/model-folder.ts';
import { sampleRows } from '../train/report/sample.ts';
import { CHECKPOINT, runTraining } from '../train/run.ts';
import { command, runWhereMain, UsageError } from './arguments.ts';
import { CSV_OPTIONS, csvColumns } from './data-options.ts';
import { evaluateHeldOut } from './held-out.ts';
import { networkToTrain } from './network-to-train.ts';
import { defaultBatchSize, runLength, WHERE_LEFT_OUT } from './run-length.ts';
import { openRunLogs, REPORTS, refuseContradiction, withReport } from './run-logs.ts';
import { SOFTENING_OPTIONS, softeningOf } from './softening.ts';

/**
 * Enough to tell checkpoints apart: the standard error of an accuracy of one half is 1.6 %; with fewer than a hundred it is more
 * than 5 %, and the last checkpoint is as good a choice as any.
 */
const HELD_OUT = { least: 100, most: 1000 };

/** Enough for Adam's running means to settle (its second decay of 0.98 remembers some 50 steps). */
const MOST_WARMUP = 400;

const PEAK_RATE = 4e-4;
/** What is already learned is soon lost at the rate of learning it. */
const FINE_RATE = 1e-4;

const STOPPING = ['SIGINT', 'SIGTERM'] as const;

export const train = command({
  name: 'train',
  summary: 'Trains a CLIP from pictures and words and leaves a model folder.',
  options: {
    'train-data': {
      kind: 'text',
      value: 'paths',
      required: true,
      help: `${DATA_KINDS}, and *2 after one shows its rows twice in an epoch`,
    },
    ...CSV_OPTIONS,
    out: {
      kind: 'text',
      value: 'folder',
      required: true,
      help: 'where the model folder, checkpoint and log go',
    },
    model: { kind: 'text', value: 'config.json', help: 'the network; a small one where it is left out' },
    pretrained: {
      kind: 'text',
      value: 'folder',
      help: "a folder to start from, trained or a page's with fp32 or fp16: its network, tokenizer and weights",
    },
    epochs: { kind: 'number', above: 0, help: `passes over the data; ${WHERE_LEFT_OUT.epochs}` },
    'batch-size': {
      kind: 'number',
      min: 2,
      integer: true,
      help: `pairs that are run at once; ${WHERE_LEFT_OUT.batchSize}`,
    },
    'accum-freq': {
      kind: 'number',
      default: 1,
      min: 1,
      integer: true,
      help: 'times --batch-size pairs a step, all told apart from each other: for batches larger than memory',
    },
    siglip: { kind: 'flag', help: "SigLIP's sigmoid loss instead of the paper's softmax" },
    positives: {
      kind: 'choice',
      choices: ['own', 'several'],
      default: 'own',
      value: 'own|several',
      help: 'whether pairs that share a label or caption are left alone (own) or all count as matches (several)',
    },
    ...SOFTENING_OPTIONS,
    'ema-decay': {
      kind: 'number',
      default: 0,
      min: 0,
      below: 1,
      help: 'how much of an average of the weights stays at each step, such as 0.999; the average is then what is kept',
    },
    lr: {
      kind: 'number',
      above: 0,
      help: `peak learning rate; ${PEAK_RATE}, with --pretrained ${FINE_RATE}, where it is left out`,
    },
    wd: { kind: 'number', default: 0.1, min: 0, help: 'weight decay' },
    beta1: { kind: 'number', default: 0.9, min: 0, below: 1, help: "Adam's first decay" },
    beta2: { kind: 'number', default: 0.98, min: 0, below: 1, help: "Adam's second decay" },
    eps: { kind: 'number', default: 1e-6, above: 0, help: "Adam's epsilon" },
    warmup: {
      kind: 'number',
      min: 0,
      integer: true,
      help: `steps of rising learning rate; a tenth of the run, ${MOST_WARMUP} at most, where it is left out`,
    },
    'grad-clip-norm': { kind: 'number', default: 1, above: 0, help: 'longest gradient' },
    'crop-scale': {
      kind: 'number',
      default: 0.5,
      min: 0.05,
      max: 1,
      help: 'least share of a picture in a crop',
    },
    'patch-dropout': {
      kind: 'number',
      default: 0.5,
      min: 0,
      max: 0.95,
      help: 'share of the patches left out of each step but the last',
    },
    'caption-tokens': {
      kind: 'number',
      default: 16,
      min: 2,
      integer: true,
      help: 'tokens that captions are cut at in each step but the last',
    },
    'unmasked-epochs': {
      kind: 'number',
      default: 0.25,
      min: 0,
      help: 'epochs at the end that see whole pictures and whole captions',
    },
    seed: { kind: 'number', default: 0, integer: true, help: 'of weights, order, crops and captions' },
    'held-out': {
      kind: 'number',
      min: 0,
      integer: true,
      help: `labelled rows to choose the best checkpoint by, 0 keeps the last; where it is left out a tenth, ${HELD_OUT.most} at most, and 0 where that is fewer than ${HELD_OUT.least}`,
    },
    'color-jitter-prob': {
      kind: 'number',
      default: 0,
      min: 0,
      max: 1,
      help: "share of the pictures whose brightness, contrast, saturation and hue are changed, by CLIPA's strengths",
    },
    'gray-scale-prob': {
      kind: 'number',
      default: 0.1,
      min: 0,
      max: 1,
      help: 'share of the pictures that are shown in shades of grey: people drop old photographs too',
    },
    'low-res-prob': {
      kind: 'number',
      default: 0,
      min: 0,
      max: 1,
      help: `share of the pictures that are shown as coarse as ones of ${SMALL} pixels: people drop thumbnails too`,
    },
    lexicon: {
      kind: 'text',
      value: 'lexicon.json',
      help: 'what labels mean, as `npm run -s lexicon` writes it: captions then also use broader words and definitions',
    },
    'upsampling-factors': {
      kind: 'list',
      form: 'comma',
      value: 'data set=n',
      help: 'data sets whose rows are seen n times in an epoch; multiplies the * of --train-data',
    },
    'save-frequency': {
      kind: 'number',
      min: 0,
      help: `epochs between checkpoints; ${WHERE_LEFT_OUT.save}`,
    },
    'zeroshot-frequency': {
      kind: 'number',
      min: 0,
      help: `epochs between held-out evaluations; ${WHERE_LEFT_OUT.evaluate}`,
    },
    'report-to': {
      kind: 'list',
      form: 'comma',
      choices: REPORTS,
      default: ['html'],
      help: 'what shows the run beside log.jsonl: html writes report.html, tensorboard event files, none neither',
    },
    device: {
      kind: 'choice',
      choices: ['cpu', 'webgpu'],
      default: 'cpu',
      help: 'what the steps run on; webgpu is a GPU, by its Vulkan driver on Linux',
    },
    threads: { kind: 'number', default: availableParallelism(), min: 1, integer: true, help: 'for the step' },
    workers: { kind: 'number', default: 1, min: 1, integer: true, help: 'threads that decode pictures' },
    resume: { kind: 'flag', help: 'go on from the checkpoint in --out' },
  },
  run: async (options) => {
    const { out, seed, resume, threads, pretrained } = options;
    if (pretrained !== undefined && options.model !== undefined) {
      throw new UsageError('--pretrained brings its own network; leave --model out.');
    }
    refuseContradiction(options['report-to']);
    const accumulate = options['accum-freq'];
    if (options.device === 'webgpu' && accumulate !== 1) {
      throw new UsageError('--device webgpu runs a batch whole; leave --accum-freq out.');
    }
    const softening = softeningOf(options);
    const loss = options.siglip ? 'sigmoid' : 'softmax';
    const csv = csvColumns(options);
    const factors = parseFactors(options['upsampling-factors'] ?? []);
    const source = await openSources(options['train-data'], console.warn, { csv });
    const lexicon = options.lexicon === undefined ? undefined : await readLexicon(options.lexicon);
    if (!resume) await refuseOtherRun(out);
    const heldOutCount = options['held-out'] ?? defaultHeldOut(source, HELD_OUT);
    const { train: trainRows, heldOut } =
      heldOutCount > 0
        ? splitHeldOut(source, { count: heldOutCount, seed })
        : { train: source, heldOut: null };

    const part = options['batch-size'] ?? defaultBatchSize(trainRows.length);
    const batchSize = part * accumulate;
    const { config, tokenizerJson, tokenizer, weights } = await networkToTrain(options, trainRows, lexicon);
    const captionTokens = Math.min(options['caption-tokens'], tokenizer.contextLength);
    const cutting = await parseTokenizer({ tokenizerJson }, { contextLength: captionTokens });
    const { soften, close: closeTeacher } = await softening.open();
    const logs = openRunLogs(out, batchSize, options['report-to']);
    const { log } = logs;
    const pairs = openPairStream(upsample(trainRows, factors), {
      batchSize,
      imageSize: config.vision_config.image_size,
      mean: MEAN,
      std: STD,
      seed,
      workers: options.workers,
      cropScale: [options['crop-scale'], 1],
      colorJitterProb: options['color-jitter-prob'],
      grayScaleProb: options['gray-scale-prob'],
      lowResProb: options['low-res-prob'],
      lexicon,
      onDamaged: log.damaged,
    });
    const { epochs, totalSteps, saveEvery, evaluateEvery } = runLength(pairs.batchesPerEpoch, {
      epochs: options.epochs,
      saveFrequency: options['save-frequency'],
      evaluateFrequency: options['zeroshot-frequency'],
    });
    const peak = options.lr ?? (pretrained === undefined ? PEAK_RATE : FINE_RATE);
    const warmupSteps = options.warmup ?? Math.min(MOST_WARMUP, Math.floor(totalSteps / 10));
    const schedule = { peak, warmupSteps, totalSteps };
    const patchDropout = options['patch-dropout'];
    const reducedSteps = Math.max(
      0,
      schedule.totalSteps - Math.round(options['unmasked-epochs'] * pairs.batchesPerEpoch),
    );
    const interrupted = new AbortController();
    const stop = () => interrupted.abort();
    for (const signal of STOPPING) process.once(signal, stop);
    try {
      if (warmupSteps > totalSteps) {
        throw new UsageError(
          `--warmup is ${warmupSteps}, longer than the whole run of ${totalSteps} steps, which would never reach --lr. Give fewer steps or more --epochs, or leave --warmup out.`,
        );
      }
      const judges = heldOut && (await soundRows(heldOut, log.damaged));
      const sample = logs.history && judges ? sampleRows(judges) : [];
      const asked = judges && { rows: judges, sample, config, tokenizerJson, threads };
      // By the names of their options, so that whoever resumes with others is told which to change.
      const settings = {
        '--train-data': options['train-data'],
        '--csv-img-key': csv.image,
        '--csv-caption-key': csv.caption,
        '--csv-separator': options['csv-separator'] ?? '',
        ...whereUsed({
          '--lexicon': options.lexicon,
          '--device': options.device === 'cpu' ? undefined : options.device,
          '--color-jitter-prob': options['color-jitter-prob'],
          '--low-res-prob': options['low-res-prob'],
        }),
        ...softening.settings,
        '--pretrained': pretrained ?? '',
        '--held-out': heldOutCount,
        'rows to train on': trainRows.length,
        '--batch-size': part,
        '--accum-freq': accumulate,
        '--siglip': options.siglip,
        '--positives': options.positives,
        '--ema-decay': options['ema-decay'],
        '--epochs': epochs,
        '--unmasked-epochs': options['unmasked-epochs'],
        '--seed': seed,
        '--gray-scale-prob': options['gray-scale-prob'],
        '--upsampling-factors': [...factors].map((pair) => pair.join('=')).join(),
        '--lr': peak,
        '--warmup': warmupSteps,
        '--wd': options.wd,
        '--beta1': options.beta1,
        '--beta2': options.beta2,
        '--eps': options.eps,
        '--grad-clip-norm': options['grad-clip-norm'],
        '--crop-scale': options['crop-scale'],
        '--patch-dropout': patchDropout,
        '--caption-tokens': captionTokens,
      };
      if (!resume) await writeModelFiles(out, config, tokenizerJson);
      await runTraining({
        out,
        config,
        encode: (captions, step) => (step < reducedSteps ? cutting : tokenizer).encodeBatch(captions),
        pairs,
        pretrained: weights,
        positives: options.positives,
        soften,
        device: options.device,
        trainer: {
          batchSize,
          accumulate,
          loss,
          averageDecay: options['ema-decay'],
          threads,
          seed,
          patchDropout,
          patchDropoutSteps: reducedSteps,
          captionTokens,
          gradClipNorm: options['grad-clip-norm'],
          schedule,
          beta1: options.beta1,
          beta2: options.beta2,
          epsilon: options.eps,
          weightDecay: options.wd,
        },
        settings,
        resume,
        saveEvery,
        evaluateEvery,
        evaluate: asked && ((weights) => evaluateHeldOut(asked, weights)),
        log: await withReport(logs, {
          out,
          config,
          loss,
          batchSize,
          heldOut: judges,
          settings,
          batchesPerEpoch: pairs.batchesPerEpoch,
        }),
        signal: interrupted.signal,
      });
    } finally {
      for (const signal of STOPPING) process.off(signal, stop);
      await pairs.close();
      await closeTeacher();
    }
  },
});

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

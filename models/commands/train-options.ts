// The options of training. What open_clip has too is called as it is there, but for what means something else here (ELSEWHERE).

import { availableParallelism } from 'node:os';
import { CAPTION_WORDS } from '../data/captions.ts';
import { SMALL } from '../data/low-resolution.ts';
import { DATA_KINDS } from '../data/open-path.ts';
import type { OptionTable, OptionValues } from './arguments.ts';
import { CSV_OPTIONS } from './data-options.ts';
import { HELD_OUT } from './held-out.ts';
import { WHERE_LEFT_OUT } from './run-length.ts';
import { REPORTS } from './run-logs.ts';
import { SOFTENING_OPTIONS } from './softening.ts';
import { TEXT_DATA_OPTIONS } from './text-data.ts';

/** Enough for Adam's running means to settle (its second decay of 0.98 remembers some 50 steps). */
export const MOST_WARMUP = 400;

export const PEAK_RATE = 4e-4;
/** What is already learned is soon lost at the rate of learning it. */
export const FINE_RATE = 1e-4;

export const TRAIN_OPTIONS = {
  'train-data': {
    kind: 'text',
    value: 'paths',
    required: true,
    help: `${DATA_KINDS}, and *2 after one shows its rows twice in an epoch (whole numbers)`,
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
    help: 'times --batch-size pairs a step, all told apart from each other: for batches larger than memory, on the CPU; exact but for batch norms, which see a part at a time',
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
  opt: {
    kind: 'choice',
    choices: ['adamw', 'muon'],
    default: 'adamw',
    value: 'adamw|muon',
    help: "the optimiser; muon updates the transformers' matrices by Muon, at AdamW's rates, and the rest by AdamW",
  },
  precision: {
    kind: 'choice',
    choices: ['fp32', 'int8'],
    default: 'fp32',
    value: 'fp32|int8',
    help: "how the transformers' matrices are multiplied; int8 is faster on CPUs with VNNI instructions, is refused on those that lack them, and leaves their gradients fp32 (SwitchBack)",
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
    help: 'share of the patches left out of each step before --unmasked-epochs, of a vision transformer',
  },
  'caption-tokens': {
    kind: 'number',
    default: 16,
    min: 2,
    integer: true,
    help: 'tokens that captions are cut at in each step before --unmasked-epochs',
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
    help: `rows to choose the best checkpoint by, labelled ones or in data without labels those with captions; 0 keeps the last; where it is left out a tenth, ${HELD_OUT.most} at most, and 0 where that is fewer than ${HELD_OUT.least}`,
  },
  'held-out-classes': {
    kind: 'number',
    default: 0,
    min: 0,
    integer: true,
    help: 'classes whose pictures training sees nothing of, to tell how it fares with labels that no picture had; captions may still speak of them',
  },
  'flip-prob': {
    kind: 'number',
    default: 0.5,
    min: 0,
    max: 1,
    help: 'share of the crops that are mirrored',
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
  'caption-words': {
    kind: 'list',
    form: 'comma',
    choices: CAPTION_WORDS,
    default: CAPTION_WORDS,
    help: "what captions of labelled rows say: a label's first name, and what else is named here, broader words and definitions by --lexicon",
  },
  ...TEXT_DATA_OPTIONS,
  'upsampling-factors': {
    kind: 'list',
    form: 'comma',
    value: 'data set=n',
    help: 'data sets whose rows are seen n times in an epoch; multiplies the * of --train-data',
  },
  'save-frequency': {
    kind: 'number',
    above: 0,
    help: `epochs between checkpoints; ${WHERE_LEFT_OUT.save}`,
  },
  'zeroshot-frequency': {
    kind: 'number',
    above: 0,
    help: `epochs between evaluations, of held-out rows or of a few pictures for the report; ${WHERE_LEFT_OUT.evaluate}`,
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
  workers: {
    kind: 'number',
    default: 1,
    min: 1,
    integer: true,
    help: 'threads that decode pictures; for more than four at once, of pictures that collect did not write, set UV_THREADPOOL_SIZE to as many in the environment',
  },
  resume: { kind: 'flag', help: 'go on from the checkpoint in --out' },
} as const satisfies OptionTable;

/** open_clip's options that are asked for otherwise. */
export const ELSEWHERE = {
  'train-data-upsampling-factors': 'give --upsampling-factors, by the names of data sets',
  'force-patch-dropout': 'give --patch-dropout, and --unmasked-epochs for the end without',
  'dataset-type': 'what --train-data holds is recognised by itself',
  logs: 'name the folder in --out',
  name: 'name the folder in --out',
  'val-data': 'rows are held out by --held-out, and `npm run -s evaluate` measures by other data',
  'imagenet-val': '`npm run -s evaluate -- zero-shot` measures by any data',
  'lr-scheduler': 'the rate falls along a cosine',
  'aug-cfg': 'give --crop-scale, --color-jitter-prob and --gray-scale-prob',
  'delete-previous-checkpoint': 'one checkpoint is kept, the last',
} as const;

export type TrainOptions = OptionValues<typeof TRAIN_OPTIONS>;

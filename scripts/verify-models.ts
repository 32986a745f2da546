// npm run -s verify:models
// npm run -s verify:models -- RN50 ViT-B/32
//
// Converts each published size of CLIP from a checkpoint with made-up weights and compares its vectors with those of openai/CLIP's own
// model on the same weights (models/convert/published). A process for each, so that its memory is its own.

import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PUBLISHED, type PublishedSizes } from '../models/convert/published/checkpoint.ts';
import {
  compareWithPyTorch,
  convertPublished,
  type Nearness,
  sameInOtherNames,
} from '../models/convert/published/verify.ts';

const FLOORS = { cosine: 0.99999, error: 1e-3 } as const;
const HEADINGS = ['model', 'convert', 'memory', 'image cosine', 'error', 'text cosine', 'error', 'again'];

interface Converted {
  readonly seconds: number;
  /** At most, while it was converted. */
  readonly megabytes: number;
}

async function convert(name: string, folder: string): Promise<Converted> {
  const started = performance.now();
  await convertPublished(sizesOf(name), folder);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, megabytes: process.resourceUsage().maxRSS / 1000 };
}

function sizesOf(name: string): PublishedSizes {
  const sizes = PUBLISHED.get(name);
  if (!sizes)
    throw new Error(`There is no ${name}; the published models are ${[...PUBLISHED.keys()].join(', ')}.`);
  return sizes;
}

function inItsOwnProcess(name: string, folder: string): Promise<Converted> {
  const child = fork(import.meta.filename, [CONVERT, name, folder], { execArgv: ['--import', 'tsx'] });
  return new Promise((resolve, reject) => {
    child.once('message', (converted: Converted) => resolve(converted));
    child.once('exit', (code) => reject(new Error(`Converting ${name} ended with code ${code}.`)));
  });
}

async function verify(name: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'verify-models-'));
  try {
    const { seconds, megabytes } = await inItsOwnProcess(name, folder);
    const { image_embeds, text_embeds } = await compareWithPyTorch(
      name,
      sizesOf(name),
      folder,
      availableParallelism(),
    );
    const again = await sameInOtherNames(folder);
    const near = ({ cosine, error }: Nearness) => [cosine.toFixed(7), error.toExponential(1)];
    print([
      name,
      `${seconds.toFixed(1)} s`,
      `${megabytes.toFixed(0)} MB`,
      ...near(image_embeds),
      ...near(text_embeds),
      again ? 'same' : 'OTHER',
    ]);
    const passes = ({ cosine, error }: Nearness) => cosine >= FLOORS.cosine && error <= FLOORS.error;
    return passes(image_embeds) && passes(text_embeds) && again && megabytes < 1000;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function print(cells: readonly string[]): void {
  console.log(`| ${cells.map((cell, i) => cell.padEnd(HEADINGS[i].length)).join(' | ')} |`);
}

const CONVERT = '--convert';
const [first, ...rest] = process.argv.slice(2);
if (first === CONVERT) {
  process.send?.(await convert(rest[0], rest[1]));
  process.disconnect();
} else {
  const names = first === undefined ? [...PUBLISHED.keys()] : [first, ...rest];
  for (const name of names) sizesOf(name);
  print(HEADINGS);
  print(HEADINGS.map((heading) => '-'.repeat(heading.length)));
  let sound = true;
  for (const name of names) sound = (await verify(name)) && sound;
  if (!sound) process.exitCode = 1;
}

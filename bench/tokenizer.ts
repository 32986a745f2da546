// npx tsx bench/tokenizer.ts
//
// Prompts per second of our tokenizer beside @huggingface/tokenizers (one prompt at a time) and beside transformers.js'
// AutoTokenizer (all as one padded batch), which is measured where @huggingface/transformers is installed. Each round
// takes all of them in turn, so that a busy machine slows them alike; the figures are medians. "cold" is a tokenizer
// that was just made and has seen no word, "warm" the same tokenizer over the same prompts once more. The very first
// round, in which the engine still compiles, counts for nobody.
// With ../shared: CLIP's vocabulary, Flickr8k's captions and OpenAI's prompts for ImageNet; otherwise a small learned one.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import reference from '../models/clip/fixtures/huggingface-tokenizer.json' with { type: 'json' };
import {
  clipFiles,
  flickrCaptions,
  hasClipFolder,
  hasFlickrCaptions,
  imageNetPrompts,
  type JsonFiles,
  learnedFiles,
} from '../models/clip/fixtures/tokenizers.ts';
import { parseTokenizer } from '../models/clip/tokenizer.ts';

const ROUNDS = 9;
const PROMPTS = 10_000;
const CONTEXT = 77;

type Encode = (prompts: readonly string[]) => unknown;
/** Makes a tokenizer whose caches are empty. */
type Contestant = () => Promise<Encode>;
interface Seconds {
  cold: number[];
  warm: number[];
}

/** Sets of prompts by name. Without ../shared, captions of the fixture, each with a word of another. */
async function promptSets(): Promise<Map<string, string[]>> {
  const sets = new Map<string, string[]>();
  if (hasClipFolder && hasFlickrCaptions) sets.set('Flickr8k captions', distinct(await flickrCaptions()));
  if (hasClipFolder) sets.set('ImageNet prompts', distinct(imageNetPrompts()));
  if (sets.size === 0) {
    const { captions } = reference;
    const pairs = captions.flatMap((caption) =>
      captions.map((other) => `${caption} ${other.split(' ').at(-1)}`),
    );
    sets.set('captions of the fixture', distinct(pairs));
  }
  return sets;
}

/** 10,000 of them, evenly drawn. */
function distinct(texts: readonly string[]): string[] {
  const all = [...new Set(texts)];
  const count = Math.min(PROMPTS, all.length);
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]);
}

/** transformers.js reads a folder: the two files are written into one. */
async function autoTokenizer(files: JsonFiles, folder: string): Promise<Contestant | null> {
  const name: string = '@huggingface/transformers';
  interface TransformersJs {
    env: { allowRemoteModels: boolean; localModelPath: string };
    AutoTokenizer: {
      from_pretrained(
        model: string,
      ): Promise<(prompts: string[], options: { padding: boolean; truncation: boolean }) => unknown>;
    };
  }
  let transformers: TransformersJs;
  try {
    transformers = await import(name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(files.tokenizerJson));
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(files.tokenizerConfig));
  transformers.env.allowRemoteModels = false;
  transformers.env.localModelPath = dirname(folder);
  return async () => {
    const tokenizer = await transformers.AutoTokenizer.from_pretrained(basename(folder));
    return (prompts) => tokenizer([...prompts], { padding: true, truncation: true });
  };
}

async function measure(contestants: ReadonlyMap<string, Contestant>, prompts: readonly string[]) {
  const seconds = new Map<string, Seconds>(
    [...contestants.keys()].map((name) => [name, { cold: [], warm: [] }]),
  );
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, make] of contestants) {
      const encode = await make();
      for (const cache of ['cold', 'warm'] as const) {
        const start = performance.now();
        encode(prompts);
        const taken = (performance.now() - start) / 1000;
        if (round > 0) seconds.get(name)?.[cache].push(taken);
      }
    }
  }
  return (name: string, cache: keyof Seconds) => median(seconds.get(name)?.[cache] ?? []);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

const files = hasClipFolder ? clipFiles() : learnedFiles;

function contestants(auto: Contestant | null): Map<string, Contestant> {
  const ours = () => parseTokenizer(files, { contextLength: CONTEXT });
  const all = new Map<string, Contestant>([
    [
      'ours',
      async () => {
        const tokenizer = await ours();
        return (texts) => texts.map((text) => tokenizer.encode(text));
      },
    ],
    [
      'huggingface',
      async () => {
        const tokenizer = new HuggingFaceTokenizer(files.tokenizerJson, files.tokenizerConfig);
        return (texts) => texts.map((text) => tokenizer.encode(text));
      },
    ],
    [
      'oursBatch',
      async () => {
        const tokenizer = await ours();
        return (texts) => tokenizer.encodeBatch(texts);
      },
    ],
  ]);
  if (auto) all.set('autoTokenizerBatch', auto);
  return all;
}

const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
try {
  const auto = await autoTokenizer(files, folder);
  const all = contestants(auto);
  const tokenizer = await parseTokenizer(files, { contextLength: CONTEXT });
  const sets: Record<string, unknown> = {};
  for (const [set, prompts] of await promptSets()) {
    const seconds = await measure(all, prompts);
    const figures = (cache: keyof Seconds) => ({
      promptsPerSecond: Object.fromEntries(
        [...all.keys()].map((name) => [name, Math.round(prompts.length / seconds(name, cache))]),
      ),
      timesHuggingFace: round(seconds('huggingface', cache) / seconds('ours', cache)),
      timesAutoTokenizer: auto
        ? round(seconds('autoTokenizerBatch', cache) / seconds('oursBatch', cache))
        : 'not measured: @huggingface/transformers is not installed',
    });
    const tokens = prompts.reduce((sum, prompt) => sum + tokenizer.encode(prompt).ids.length, 0);
    sets[set] = {
      prompts: prompts.length,
      tokensPerPrompt: round(tokens / prompts.length),
      cold: figures('cold'),
      warm: figures('warm'),
    };
  }
  const { vocabSize } = tokenizer;
  console.log(
    JSON.stringify({ benchmark: 'tokenizer', vocabSize, rounds: ROUNDS, node: process.version, sets }),
  );
} finally {
  rmSync(folder, { recursive: true });
}

function round(value: number): number {
  return Number(value.toFixed(1));
}

// CHROMIUM_PATH=/usr/bin/chromium npx tsx bench/preprocess.ts
//
// Image preprocessing beside Pillow (and numpy, for the steps after resizing), and in Chromium from a 12-megapixel JPEG to
// pixel_values beside what the browser takes to decode it and hand over the pixels. Ratios are ours / theirs: 1 is as fast,
// 2 takes twice as long. Rounds take both in turn; the figures are medians in milliseconds, the first rounds uncounted:
// processor time beside Pillow (two processes, of which a busy machine may favour one), wall-clock time in the browser.
// PYTHON names a Python with Pillow and numpy (/usr/bin/python3 if not set); without one that part is null.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from '@playwright/test';
import sharp from 'sharp';
import { openWorker } from '../e2e/workers/bundle.ts';
import { scene } from '../models/clip/fixtures/synthetic.ts';
import { parsePreprocessorConfig, preprocess } from '../models/clip/preprocess.ts';
import { resample } from '../models/clip/resample.ts';
import type { Milliseconds } from './workers/preprocess.ts';

const ROUNDS = 15;
const WARM_UP = 5;
/** From a thumbnail, which is enlarged, to a telephone's photograph. */
const SHAPES = [
  { width: 160, height: 120 },
  { width: 640, height: 480 },
  { width: 1600, height: 1200 },
  { width: 4000, height: 3000 },
] as const;
const TO = [298, 224] as const;
/** Runs to a measurement: so many that a clock of coarse ticks will do. */
const repeatFor = (pixels: number) => Math.max(1, Math.round(2e6 / pixels));

interface PillowAnswer {
  readonly resize: number;
  readonly pixelValues: number;
  readonly resizeSha256: string;
  readonly pixelValuesSha256: string;
}

interface Comparison {
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];
const rounded = (value: number) => Number(value.toPrecision(3));

function compare(ours: number[], theirs: number[]): Comparison {
  const [mine, other] = [median(ours), median(theirs)];
  return { ours: rounded(mine), theirs: rounded(other), ratio: rounded(mine / other) };
}

/** Processor time of one of `repeat` runs, and the last one's result. */
function timed<T>(repeat: number, work: () => T): [milliseconds: number, result: T] {
  const start = process.cpuUsage();
  let result = work();
  for (let i = 1; i < repeat; i++) result = work();
  const { user, system } = process.cpuUsage(start);
  return [(user + system) / 1000 / repeat, result];
}

async function besidePillow(folder: string) {
  const python = spawn(process.env.PYTHON ?? '/usr/bin/python3', ['bench/pillow.py'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const started = await new Promise((resolve) =>
    python.once('spawn', () => resolve(true)).once('error', () => resolve(false)),
  );
  if (!started) return null;
  const lines = createInterface(python.stdout)[Symbol.asyncIterator]();
  const preprocessing = parsePreprocessorConfig({});
  const results: Record<string, { resize: Comparison; pixelValues: Comparison; identical: boolean }> = {};
  try {
    for (const { width, height } of SHAPES) {
      const image = scene(width, height, 1);
      const file = join(folder, `${width}.rgb`);
      writeFileSync(file, image.data);
      const ours = { resize: [] as number[], pixelValues: [] as number[] };
      const theirs = { resize: [] as number[], pixelValues: [] as number[] };
      const repeat = repeatFor(width * height);
      let identical = true;
      for (let round = -WARM_UP; round < ROUNDS; round++) {
        python.stdin.write(`${JSON.stringify({ file, width, height, to: TO, crop: 224, repeat })}\n`);
        const line = await lines.next();
        if (line.done) return null;
        const pillow: PillowAnswer = JSON.parse(line.value);
        const [resizeMs, resized] = timed(repeat, () => resample(image, ...TO, 'bicubic'));
        const [valuesMs, values] = timed(repeat, () => preprocess(image, preprocessing));
        identical &&=
          sha256(resized.data) === pillow.resizeSha256 &&
          sha256(new Uint8Array(values.buffer)) === pillow.pixelValuesSha256;
        if (round < 0) continue;
        ours.resize.push(resizeMs);
        ours.pixelValues.push(valuesMs);
        theirs.resize.push(pillow.resize);
        theirs.pixelValues.push(pillow.pixelValues);
      }
      results[`${width}x${height}`] = {
        resize: compare(ours.resize, theirs.resize),
        pixelValues: compare(ours.pixelValues, theirs.pixelValues),
        identical,
      };
    }
    return results;
  } finally {
    python.stdin.end();
  }
}

const sha256 = (data: Uint8Array | Uint8ClampedArray) => createHash('sha256').update(data).digest('hex');

async function inChromium() {
  const { width, height, data } = scene(4000, 3000, 1);
  // Blurred a little: a lens never draws edges of one pixel, and a JPEG of them takes a decoder unusually long.
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .blur(1.5)
    .jpeg({ quality: 90 })
    .toBuffer();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_PATH });
  try {
    const page = await browser.newPage();
    const entry = new URL('workers/preprocess.ts', import.meta.url);
    const ask = await openWorker<string, Milliseconds>(page, entry, { '/photo.jpg': jpeg });
    const rounds: Milliseconds[] = [];
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const answer = await ask('/photo.jpg');
      if (round >= 0) rounds.push(answer);
    }
    const of = (key: keyof Milliseconds) => rounds.map((round) => round[key]);
    return {
      browser: `Chromium ${browser.version()}`,
      jpegMegabytes: rounded(jpeg.length / 1e6),
      bitmapAlone: rounded(median(of('bitmap'))),
      ...compare(of('pixelValues'), of('pixels')),
    };
  } finally {
    await browser.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'promptlens-bench-'));
try {
  const pillow = await besidePillow(folder);
  const jpegToPixelValues = await inChromium();
  console.log(JSON.stringify({ benchmark: 'preprocess', rounds: ROUNDS, pillow, jpegToPixelValues }));
} finally {
  rmSync(folder, { recursive: true });
}

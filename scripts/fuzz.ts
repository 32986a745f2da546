// npm run -s fuzz
// npm run -s fuzz -- --cases 1000000 --seed 7
// npm run -s fuzz -- --only graph --cases 100000
//
// Puts hostile files to every reader that takes files from outside (scripts/fuzz/targets.ts). Exits with 1 at the first case that
// ends in anything but a value or a sentence, that does not end soon, or that takes more memory than its file explains; the file
// is kept.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { command, runWhereMain } from '../models/commands/arguments.ts';
import { randomStream } from '../models/data/random.ts';
import type { runCases } from './fuzz/run-cases.ts';
import { TARGETS } from './fuzz/targets.ts';
import type { FuzzJob } from './fuzz/worker.ts';

/** A case that has not ended by then hangs; the slowest that is allowed takes a tenth of it. */
const HANG_MS = 10_000;
/** No case comes near this, of JavaScript's own objects. */
const MAX_HEAP_MB = 1024;
const KEPT = 'test-results/fuzz';
const HEADINGS = ['reader     ', 'cases  ', 'refused', 'accepted', 'slowest', 'most memory'];

export const fuzzCommand = command({
  name: 'fuzz',
  summary: 'Puts hostile files to every reader that takes files from outside.',
  options: {
    cases: {
      kind: 'number',
      default: 13_000,
      min: 1,
      integer: true,
      help: 'in all, the same number for each reader',
    },
    seed: {
      kind: 'number',
      default: 1,
      min: 0,
      max: 2 ** 32 - 1,
      integer: true,
      help: 'other seeds, other files',
    },
    only: { kind: 'list', form: 'comma', choices: Object.keys(TARGETS), help: 'these readers alone' },
  },
  run: async ({ cases, seed, only = Object.keys(TARGETS) }) => {
    print(HEADINGS);
    print(HEADINGS.map((heading) => '-'.repeat(heading.length)));
    const each = Math.ceil(cases / only.length);
    for (const target of only) await fuzz(target, seed, each);
  },
});

/** Prints the target's line; rejects with a sentence at its first violation. */
async function fuzz(target: string, seed: number, cases: number): Promise<void> {
  const current = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  const { tally, violation } = await inItsOwnThread({ target, seed, cases, current }).catch(
    async (cause: Error): Promise<Ran> => {
      const index = current[0];
      if (index < 0) throw cause; // It never came to a case.
      const file = (await TARGETS[target]()).make(randomStream('fuzz', target, seed, index));
      return { tally: null, violation: { index, file, reason: cause.message } };
    },
  );
  if (tally) {
    print([
      ...[target, tally.cases, tally.refused, tally.accepted].map(String),
      `${Math.round(tally.slowestMs)} ms`,
      `${(tally.mostBytes / 1e6).toFixed(1)} MB`,
    ]);
  }
  if (!violation) return;
  const { index, file, reason } = violation;
  const path = join(KEPT, `${target}-${seed}-${index}`);
  await mkdir(KEPT, { recursive: true });
  await writeFile(path, file);
  throw new Error(
    `${target}, seed ${seed}, case ${index}: ${reason}\nThe file of ${file.length} bytes is ${path}.`,
  );
}

type Ran = Omit<Awaited<ReturnType<typeof runCases>>, 'tally'> & {
  /** Null where the thread did not come to its end. */
  readonly tally: Awaited<ReturnType<typeof runCases>>['tally'] | null;
};

// As in models/data/decode-pool.ts: on Node 20 a thread that starts from a .ts file has no loader for it.
const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
const workerFile = JSON.stringify(new URL('./fuzz/worker.ts', import.meta.url).href);
const bootstrap = `import(${tsx}).then(({ tsImport }) => tsImport(${workerFile}, ${workerFile}))`;

function inItsOwnThread(job: FuzzJob): Promise<Ran> {
  const worker = new Worker(bootstrap, {
    eval: true,
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  let seen = -1;
  let since = performance.now();
  return new Promise<Ran>((resolve, reject) => {
    const watch = setInterval(() => {
      const index = Atomics.load(job.current, 0);
      if (index !== seen || index < 0) {
        seen = index;
        since = performance.now();
      } else if (performance.now() - since > HANG_MS)
        reject(new Error(`it did not end within ${HANG_MS} ms.`));
    }, 500).unref();
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => {
      clearInterval(watch);
      reject(new Error(`Its thread ended with code ${code}.`));
    });
  }).finally(() => worker.terminate());
}

function print(cells: readonly string[]): void {
  console.log(`| ${cells.map((cell, i) => cell.padEnd(HEADINGS[i].length)).join(' | ')} |`);
}

await runWhereMain(import.meta, fuzzCommand);

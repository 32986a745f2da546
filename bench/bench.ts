// npm run bench
// npm run bench -- --quick
// npm run bench -- --only first-answer,memory --model runs/mini --photographs 10000
//
// The floors of the design beside transformers.js and others: same model folders, same photographs, same Chromium, contestants
// in turn in one run, medians. Training stands beside PyTorch (PYTHON names a Python that has it, /usr/bin/python3 if not set).
// scripts/bench.mjs, which npm runs, has installed and built everything by now.
//
//   --only <rows>         some of the rows, by the names in ROWS below
//   --model <folder>      instead of the model that the site carries
//   --photographs <n>     for the row of memory; 1,000 if not said
//   --quick               tiny counts, to see that everything works; its figures mean nothing

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { launch, withPage } from './browser.ts';
import { miniModel, vitB32 } from './models.ts';
import { type Row, table } from './report.ts';
import { bareRuntime } from './rows/bare-runtime.ts';
import { decoding } from './rows/decoding.ts';
import { firstAnswer } from './rows/first-answer.ts';
import { firstView } from './rows/first-view.ts';
import { hundredPhotographs } from './rows/hundred-photographs.ts';
import { manyPhotographs, manyPhotographsOnPage, modelSwitches } from './rows/memory.ts';
import { oneMoreLabel } from './rows/one-more-label.ts';
import { pageThread } from './rows/page-thread.ts';
import { preprocessing, tokenizer } from './rows/scripts.ts';
import type { Setting } from './rows/setting.ts';
import { training } from './rows/training.ts';
import { openSite } from './site.ts';

const ROWS = {
  'first-answer': async (setting: Setting) => [
    await firstAnswer(setting, setting.mini),
    await firstAnswer(setting, setting.vitB32),
  ],
  photographs: async (setting: Setting) => {
    const { mini, quick } = setting;
    const large = { floor: 2, turn: quick ? 2 : 20, rounds: quick ? 1 : 5 };
    const small = { floor: 1, turn: quick ? 4 : 100, rounds: quick ? 1 : 5 };
    const rows: Row[] = [];
    rows.push((await hundredPhotographs(setting, setting.vitB32, large)).row);
    const { row, peerPerPhotograph } = await hundredPhotographs(setting, mini, small);
    rows.push(row, await oneMoreLabel(setting, mini, peerPerPhotograph));
    return rows;
  },
  'bare-runtime': async (setting: Setting) => [await bareRuntime(setting)],
  tokenizer,
  preprocessing,
  'page-thread': async (setting: Setting) => [await pageThread(setting)],
  'first-view': async (setting: Setting) => [await firstView(setting)],
  training,
  decoding,
  memory: async (setting: Setting) => [
    await modelSwitches(setting),
    await manyPhotographs(setting),
    await manyPhotographsOnPage(setting),
  ],
} as const satisfies Record<string, (setting: Setting) => Promise<Row[]>>;

const RESULTS = 'bench/results';
/** Work that waits for each core, beside ours, from which on figures are not to be trusted. */
const BUSY = 0.3;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    model: { type: 'string' },
    photographs: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const { quick } = values;
const names = Object.keys(ROWS) as (keyof typeof ROWS)[];
const wanted =
  values.only === undefined ? names : names.filter((name) => values.only?.split(',').includes(name));
if (wanted.length === 0)
  throw new Error(`--only ${values.only} names no row; there are ${names.join(', ')}.`);

const mini = await miniModel(values.model);
const large = await vitB32();
const site = await openSite([mini, large], mini);
const browser = await launch();
const load = loadavg()[0] / cpus().length;
const rows: Row[] = [];
try {
  const threads = await withPage(browser, site.ours, (page) =>
    page.evaluate((name) => window.ours.load(name), mini.name),
  );
  const count = Number(values.photographs ?? (quick ? 40 : 1000));
  const setting: Setting = { browser, site, mini, vitB32: large, threads, quick, manyPhotographs: count };
  const machine = {
    processor: cpus()[0].model.trim(),
    cores: cpus().length,
    loadPerCore: Number(load.toFixed(2)),
    node: process.version,
    chromium: browser.version(),
    onnxruntime: await versionOf('node_modules/onnxruntime-web'),
    transformersJs: await versionOf('bench/node_modules/@huggingface/transformers'),
    itsOnnxruntime: await versionOf('bench/node_modules/onnxruntime-web'),
  };
  const busy = load > BUSY;
  for (const name of wanted) {
    console.log(`${name} …`);
    try {
      rows.push(...(await ROWS[name](setting)));
    } catch (error) {
      // The other rows are worth having.
      console.error(error);
      process.exitCode = 1;
    }
  }
  console.log(`\n${table(rows)}\n`);
  console.log(
    `${machine.cores} cores of ${machine.processor}, Chromium ${machine.chromium}, Node ${machine.node}; onnxruntime-web ${machine.onnxruntime}; transformers.js ${machine.transformersJs} with its onnxruntime-web ${machine.itsOnnxruntime}.`,
  );
  if (busy)
    console.log(`The machine was busy when this began (${machine.loadPerCore} a core): measure again.`);
  if (quick) console.log('--quick: these figures show that everything works, and nothing else.');
  const now = new Date().toISOString();
  const file = `${RESULTS}/${now.slice(0, 19).replaceAll(':', '-')}${quick ? '-quick' : ''}.json`;
  await mkdir(RESULTS, { recursive: true });
  await writeFile(file, `${JSON.stringify({ when: now, quick, busy, machine, rows }, null, 2)}\n`);
  console.log(`Written to ${file}`);
} finally {
  await browser.close();
  await site.close();
}

async function versionOf(folder: string): Promise<string> {
  return JSON.parse(await readFile(`${folder}/package.json`, 'utf8')).version;
}

// Memory stays level: after twenty model switches, and after many photographs. A photograph that the page keeps and shows
// takes what it has to: that is counted for each.

import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { openPage } from '../browser.ts';
import { addPhotographs, openProduct, untilRanked } from '../product-page.ts';
import { megabytes, type Row } from '../report.ts';
import { pictureFiles } from './picture-files.ts';
import type { Setting } from './setting.ts';

/** What still counts as level: garbage that is not collected yet. */
const LEVEL = 1.1;
const SLACK_BYTES = 8e6;
/** What a photograph on the page may take: its vector (512 numbers are 2 kB), its entry, its query and its ranking. */
const KEPT_BYTES_A_PHOTOGRAPH = 8e3;

/** Many photographs come in so many parts; memory is measured after some of them. */
const TURNS = 10;
const SAMPLED = [1, 5, 10];

/** Chromium answers within 20 s as a rule. With a page that its service worker controls it was seen never to answer. */
const MEASURING_MS = 40_000;

interface Sample {
  readonly after: number;
  /** Of the page, its workers and their WebAssembly, as Chromium counts it; null where it does not answer. */
  readonly page: number | null;
  /** Private and shared memory of the browser's renderers, as the system counts it; null where it does not. */
  readonly renderers: number | null;
}

export async function modelSwitches(setting: Setting): Promise<Row> {
  const { browser, site, mini, vitB32, quick } = setting;
  const switches = quick ? 4 : 20;
  const page = await openPage(browser, site.ours);
  try {
    const samples: Sample[] = [];
    for (let done = 1; done <= switches; done++) {
      const model = done % 2 === 0 ? mini : vitB32;
      await page.evaluate((name) => window.ours.load(name), model.name);
      await page.evaluate((address) => window.ours.embed(address), site.plainPicture(model));
      if (done % 2 === 0 && (done === 2 || done === switches || done % 6 === 0)) {
        samples.push(await sample(setting, page, done));
      }
    }
    return row(
      `memory after ${switches} model switches (${mini.name} and ${vitB32.name} in turn)`,
      `while ${mini.name} is loaded, with the model before it closed`,
      'switches',
      samples,
    );
  } finally {
    await page.context().close();
  }
}

/** Through the inference client alone. */
export async function manyPhotographs(setting: Setting): Promise<Row> {
  const { browser, site, mini, manyPhotographs: count } = setting;
  const page = await openPage(browser, site.ours);
  try {
    await page.evaluate(
      async ({ model, photographs, labels }) => {
        await window.ours.load(model);
        await window.ours.fetchPhotographs(photographs);
        await window.ours.setLabels(labels);
      },
      { model: mini.name, photographs: site.photographs, labels: site.labels },
    );
    const samples: Sample[] = [];
    const turn = Math.max(1, Math.floor(count / TURNS));
    for (let t = 1; t <= TURNS; t++) {
      await page.evaluate((turn) => window.ours.rank(0, turn), turn);
      if (SAMPLED.includes(t)) samples.push(await sample(setting, page, t * turn));
    }
    return row(
      `memory after ${(TURNS * turn).toLocaleString('en')} photographs`,
      `decoded, encoded and ranked with ${mini.name}, no vector kept`,
      'photographs',
      samples,
    );
  } finally {
    await page.context().close();
  }
}

/** On the built page, which keeps photographs on the disk, and of each its vector, its result and for a while its thumbnail. */
export async function manyPhotographsOnPage(setting: Setting): Promise<Row> {
  const { browser, site, mini, manyPhotographs: count } = setting;
  const turn = Math.max(1, Math.floor(count / TURNS));
  const paths = await pictureFiles(TURNS * turn, 320, 240);
  const page = await openPage(browser, 'about:blank');
  try {
    await openProduct(page, site.product, site.labels);
    const samples: Sample[] = [];
    for (let t = 1; t <= TURNS; t++) {
      await addPhotographs(page, paths.slice((t - 1) * turn, t * turn));
      await untilRanked(page, t * turn, site.labels.length);
      if (SAMPLED.includes(t)) samples.push(await sample(setting, page, t * turn));
    }
    return keptRow(
      `memory with ${(TURNS * turn).toLocaleString('en')} photographs on the built page`,
      `all kept, ranked with ${mini.name} and shown`,
      samples,
    );
  } finally {
    await page.context().close();
  }
}

function row(what: string, does: string, unit: string, samples: readonly Sample[]): Row {
  const [first, last] = ends(samples);
  const level = (of: 'page' | 'renderers') => {
    const [before, now] = [first[of], last[of]];
    return before === null || now === null || now <= LEVEL * before + SLACK_BYTES;
  };
  return {
    what,
    floor: 'level',
    measured: `${size(first)} after ${first.after.toLocaleString('en')}, ${size(last)} after ${last.after.toLocaleString('en')}`,
    pass: level('page') && level('renderers'),
    sides: sides(does, unit, samples),
  };
}

function keptRow(what: string, does: string, samples: readonly Sample[]): Row {
  const [first, last] = ends(samples);
  const each = (['page', 'renderers'] as const).flatMap((of) => {
    const [before, now] = [first[of], last[of]];
    return before === null || now === null ? [] : [(now - before) / (last.after - first.after)];
  });
  if (each.length === 0) throw new Error('No count of the memory was there both times.');
  const most = Math.max(...each);
  return {
    what,
    floor: `under ${KEPT_BYTES_A_PHOTOGRAPH / 1e3} kB a photograph`,
    measured: `${(most / 1e3).toFixed(1)} kB a photograph`,
    pass: most < KEPT_BYTES_A_PHOTOGRAPH,
    sides: sides(does, 'photographs', samples),
  };
}

function ends(samples: readonly Sample[]): readonly [first: Sample, last: Sample] {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) throw new Error('No sample of the memory was taken.');
  return [first, last];
}

const size = ({ page, renderers }: Sample) => megabytes(page ?? renderers ?? Number.NaN);

function sides(does: string, unit: string, samples: readonly Sample[]): Row['sides'] {
  return samples.map((each) => ({
    who: `ours, ${each.after.toLocaleString('en')} ${unit}`,
    figure: size(each),
    does: `${does}; ${renderersWords(each)}`,
  }));
}

function renderersWords({ page, renderers }: Sample): string {
  if (renderers === null) return "the system does not say what the browser's renderers take";
  if (page === null)
    return "all of the browser's renderers, as the system counts them; Chromium gave no count of its own";
  return `the browser's renderers take ${megabytes(renderers)} of the system's memory`;
}

async function sample({ browser }: Setting, page: Page, after: number): Promise<Sample> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  await session.detach();
  const bytes = await page.evaluate(async (limit) => {
    // Chromium has it; TypeScript's library does not know of it.
    const measuring = performance as Performance & {
      measureUserAgentSpecificMemory(): Promise<{ readonly bytes: number }>;
    };
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), limit));
    const measured = await Promise.race([measuring.measureUserAgentSpecificMemory(), late]);
    return measured?.bytes ?? null;
  }, MEASURING_MS);
  const root = await browser.newBrowserCDPSession();
  const { processInfo } = await root.send('SystemInfo.getProcessInfo');
  await root.detach();
  const renderers = processInfo.filter(({ type }) => type === 'renderer');
  const sizes = await Promise.all(renderers.map(({ id }) => proportionalSize(id)));
  const known = sizes.filter((size) => size !== null);
  const sample = { after, page: bytes, renderers: known.length > 0 ? known.reduce((a, b) => a + b) : null };
  if (sample.page === null && sample.renderers === null)
    throw new Error('Neither Chromium nor the system says how much memory the page takes.');
  return sample;
}

/** A process's own memory and its share of what it shares; null where the system has no /proc. */
async function proportionalSize(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => null);
  const kibibytes = text?.match(/^Pss:\s+(\d+) kB$/m)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

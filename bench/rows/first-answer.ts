// Page open → one photograph ranked by ten labels. Both sides in a page alike, each time in a fresh browser context. Beside
// them the built product's own first visit, which does more: it draws itself and goes on to rank its examples; and a later one.

import type { Page } from '@playwright/test';
import { withPage, withSearch } from '../browser.ts';
import type { BenchModel } from '../models.ts';
import type { FirstAnswer } from '../pages/contract.ts';
import { milliseconds, type Row, type Side, times } from '../report.ts';
import { interleaved, median } from '../statistics.ts';
import type { Setting } from './setting.ts';

declare global {
  interface Window {
    firstRanked: Promise<number>;
  }
}

const FLOOR = 2;
const ROUNDS = { rounds: 9, warmUp: 1 };
/** Files are kept some seconds after the answer, and take the processor. */
const KEEPING_MS = 8_000;

export async function firstAnswer(setting: Setting, model: BenchModel): Promise<Row> {
  const { browser, site, mini, threads, quick } = setting;
  const search = { model: model.name, photograph: site.photographs[0], label: site.labels };
  const open = (address: string) => () => withPage(browser, address, answerOf);
  const samples = await interleaved(
    {
      ours: open(withSearch(site.ours, search)),
      peer: open(withSearch(site.peer, search)),
      peerEqual: open(withSearch(site.peer, { ...search, threads: String(threads) })),
    },
    quick ? { rounds: 1 } : ROUNDS,
  );
  const ms = (answers: readonly FirstAnswer[]) => median(answers.map((answer) => answer.ms));
  const side = (who: string, answers: readonly FirstAnswer[], does: string): Side => ({
    who,
    figure: milliseconds(ms(answers)),
    does: `${does}; WASM, ${answers[0].threads} thread(s)`,
    samples: answers,
  });
  const ratio = ms(samples.peer) / ms(samples.ours);
  const pipeline = 'a page that opens the pipeline and calls it once';
  return {
    what: `first answer (1 photograph, 10 labels), ${model.title}`,
    floor: `${FLOOR} × sooner`,
    measured: times(ratio),
    pass: ratio >= FLOOR,
    sides: [
      side('ours', samples.ours, 'the inference client in a page, self-test included'),
      side('transformers.js', samples.peer, `${pipeline}, everything at its defaults`),
      side(
        `transformers.js, equal threads (${times(ms(samples.peerEqual) / ms(samples.ours))})`,
        samples.peerEqual,
        pipeline,
      ),
      ...(model === mini ? await productVisits(setting) : []),
    ],
  };
}

async function answerOf(page: Page): Promise<FirstAnswer> {
  const answer = await page.evaluate(() => window.firstAnswer);
  if (answer === undefined) throw new Error(`${page.url()} was not asked for a first answer.`);
  return answer;
}

/** The built page with its examples: a visitor's first visit, and the next. */
async function productVisits({ browser, site, quick }: Setting): Promise<Side[]> {
  const visitTwice = () =>
    withPage(browser, 'about:blank', async (page) => {
      const first = await firstRanked(page, site.product);
      await page.waitForTimeout(KEEPING_MS);
      return { first, later: await firstRanked(page, site.product) };
    });
  const { visits } = await interleaved({ visits: visitTwice }, quick ? { rounds: 1 } : ROUNDS);
  const side = (which: 'first' | 'later', does: string): Side => {
    const samples = visits.map((visit) => visit[which]);
    const until = 'until the first of its examples is ranked by its own labels; drawing included';
    return {
      who: 'ours, the built page',
      figure: milliseconds(median(samples)),
      does: `${does} ${until}`,
      samples,
    };
  };
  return [
    side('first', 'a first visit'),
    side('later', 'a later visit, with the vectors that the first one kept,'),
  ];
}

/** Milliseconds from the start of the navigation to the first card with bars. */
async function firstRanked(page: Page, address: string): Promise<number> {
  await page.addInitScript(() => {
    window.firstRanked = new Promise((resolve) => {
      new MutationObserver((_, observer) => {
        if (document.querySelector('main article ol li') === null) return;
        observer.disconnect();
        resolve(performance.now());
      }).observe(document, { childList: true, subtree: true });
    });
  });
  await page.goto(`${address}?backend=wasm`);
  return page.evaluate(() => window.firstRanked);
}

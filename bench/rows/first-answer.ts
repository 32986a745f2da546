// Page open → one photograph ranked by ten labels. Both sides in a page alike, each time in a fresh browser context.

import type { Page } from '@playwright/test';
import { withPage, withSearch } from '../browser.ts';
import type { BenchModel } from '../models.ts';
import type { FirstAnswer } from '../pages/contract.ts';
import { milliseconds, type Row, type Side, times } from '../report.ts';
import { interleaved, median } from '../statistics.ts';
import type { Setting } from './setting.ts';

const FLOOR = 2;

export async function firstAnswer(setting: Setting, model: BenchModel): Promise<Row> {
  const { browser, site, threads, quick } = setting;
  const search = { model: model.name, photograph: site.photographs[0], label: site.labels };
  const open = (address: string) => () => withPage(browser, address, answerOf);
  const samples = await interleaved(
    {
      ours: open(withSearch(site.ours, search)),
      peer: open(withSearch(site.peer, search)),
      peerEqual: open(withSearch(site.peer, { ...search, threads: String(threads) })),
    },
    { rounds: quick ? 1 : 7, warmUp: quick ? 0 : 1 },
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
      side(
        'ours',
        samples.ours,
        'the inference client in a page; self-test and files kept for later included',
      ),
      side('transformers.js', samples.peer, `${pipeline}, everything at its defaults`),
      side(
        `transformers.js, equal threads (${times(ms(samples.peerEqual) / ms(samples.ours))})`,
        samples.peerEqual,
        pipeline,
      ),
    ],
  };
}

async function answerOf(page: Page): Promise<FirstAnswer> {
  const answer = await page.evaluate(() => window.firstAnswer);
  if (answer === undefined) throw new Error(`${page.url()} was not asked for a first answer.`);
  return answer;
}

// One more label over 500 photographs: its prompt, and then arithmetic.

import { openPage } from '../browser.ts';
import type { BenchModel } from '../models.ts';
import { milliseconds, type Row, type Side } from '../report.ts';
import { median } from '../statistics.ts';
import type { Setting } from './setting.ts';

const PHOTOGRAPHS = 500;
const FLOOR_MS = 16;
const WARM_UP = 5;

/** @param peerPerPhotograph milliseconds of transformers.js' pipeline, from the row of 100 photographs */
export async function oneMoreLabel(
  { browser, site, quick }: Setting,
  model: BenchModel,
  peerPerPhotograph: number,
): Promise<Row> {
  const page = await openPage(browser, site.ours);
  try {
    await page.evaluate((name) => window.ours.load(name), model.name);
    const measure = async (labels: number) => {
      const rounds: { prompt: number; ranking: number }[] = [];
      for (let round = 0; round < WARM_UP + (quick ? 2 : 20); round++) {
        const args = { photographs: PHOTOGRAPHS, labels };
        const answer = await page.evaluate((a) => window.ours.addLabel(a.photographs, a.labels), args);
        if (round >= WARM_UP) rounds.push(answer);
      }
      return rounds;
    };
    const side = (labels: number, rounds: Awaited<ReturnType<typeof measure>>): Side => ({
      who: `ours, to ${labels.toLocaleString('en')} labels`,
      figure: milliseconds(median(rounds.map(({ prompt, ranking }) => prompt + ranking))),
      does: `${milliseconds(median(rounds.map(({ prompt }) => prompt)))} for the prompt, ${milliseconds(median(rounds.map(({ ranking }) => ranking)))} for ranking everything again; vectors were kept`,
      samples: rounds,
    });
    const few = await measure(10);
    const many = await measure(1000);
    const slowest = Math.max(
      median(few.map(({ ranking }) => ranking)),
      median(many.map(({ ranking }) => ranking)),
    );
    return {
      what: `one more label over ${PHOTOGRAPHS} photographs, ${model.title}`,
      floor: `ranking under ${FLOOR_MS} ms`,
      measured: `${milliseconds(slowest)}, to 1,000 labels`,
      pass: slowest < FLOOR_MS,
      sides: [
        side(10, few),
        side(1000, many),
        {
          who: 'transformers.js, its defaults',
          figure: milliseconds(PHOTOGRAPHS * peerPerPhotograph),
          does: `the pipeline keeps nothing: ${PHOTOGRAPHS} calls, reckoned from the row of 100 photographs`,
        },
      ],
    };
  } finally {
    await page.context().close();
  }
}

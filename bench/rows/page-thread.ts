// The page's thread on the built product, with 500 photographs and 1,000 labels: opened, a folder of photographs dropped, one more label,
// the largest ready set of templates, sorted, every label of one photograph, as a table, scrolled. The longest task is what a visitor feels as a page that does not answer.

import type { BrowserContext, Page } from '@playwright/test';
import { TEMPLATE_SETS } from '../../models/clip/prompts.ts';
import { openPage } from '../browser.ts';
import {
  addLabel,
  dropFolder,
  openProduct,
  showAllLabels,
  takeTemplates,
  untilRanked,
} from '../product-page.ts';
import { milliseconds, type Row } from '../report.ts';
import { median } from '../statistics.ts';
import { pictureFolder } from './picture-files.ts';
import type { Setting } from './setting.ts';

const FLOOR_MS = 50;
const VISITS = 5;
/** A view is drawn, and the observers have heard of it. */
const SETTLED_MS = 500;

interface LongTask {
  readonly start: number;
  readonly ms: number;
}

/** A frame that came late, and whose scripts were to blame. */
interface LongFrame extends LongTask {
  readonly scripts: readonly string[];
}

interface Observed {
  readonly tasks: readonly LongTask[];
  readonly frames: readonly LongFrame[];
}

declare global {
  interface Window {
    observed: { tasks: LongTask[]; frames: LongFrame[] };
  }
}

const STAGES = [
  'opened',
  'a folder dropped and ranked',
  'one more label',
  'the largest set of templates',
  'sorted by a label',
  'all labels of a photograph',
  'as a table',
  'table scrolled',
  'cards scrolled',
] as const;

const [LARGEST_SET] = [...TEMPLATE_SETS].sort((a, b) => b.templates.length - a.templates.length);

type Stage = (typeof STAGES)[number];

export async function pageThread(setting: Setting): Promise<Row> {
  const { quick } = setting;
  const photographs = quick ? 20 : 500;
  const labels = Array.from({ length: quick ? 50 : 1000 }, (_, i) => `label number ${i + 1}`);
  const folder = await pictureFolder(photographs, 48, 36);
  const passes: Record<Stage, Observed>[] = [];
  for (let pass = 0; pass < (quick ? 1 : VISITS); pass++)
    passes.push(await visit(setting, folder, photographs, labels));

  const longest = ({ tasks }: Observed) => Math.max(0, ...tasks.map(({ ms }) => ms));
  const longestOfAll = median(passes.map((pass) => Math.max(...STAGES.map((stage) => longest(pass[stage])))));
  return {
    what: `page's thread, ${photographs} photographs and ${labels.length.toLocaleString('en')} labels`,
    floor: `no task over ${FLOOR_MS} ms`,
    measured:
      longestOfAll === 0 ? `no task over ${FLOOR_MS} ms` : `${milliseconds(longestOfAll)} at the longest`,
    pass: longestOfAll <= FLOOR_MS,
    sides: STAGES.map((stage) => {
      const tasks = passes.flatMap((pass) => pass[stage].tasks.map(({ ms }) => ms));
      const ms = median(passes.map((pass) => longest(pass[stage])));
      const all = tasks.length === 0 ? '' : ` (of all: ${tasks.map(milliseconds).join(', ')})`;
      return {
        who: `ours, ${stage}`,
        figure: ms === 0 ? 'none' : milliseconds(ms),
        does: `the longest task over ${FLOOR_MS} ms, median of ${passes.length} visits to the built page${all}`,
        samples: passes.map((pass) => pass[stage]),
      };
    }),
  };
}

async function visit(
  { browser, site }: Setting,
  folder: string,
  photographs: number,
  labels: readonly string[],
): Promise<Record<Stage, Observed>> {
  const page = await openPage(browser, 'about:blank', observe);
  const acts: Record<Stage, () => Promise<void>> = {
    opened: () => openProduct(page, site.product, labels.slice(0, -1)),
    'a folder dropped and ranked': async () => {
      await dropFolder(page, folder);
      await untilRanked(page, photographs, labels.length - 1);
    },
    'one more label': async () => {
      await addLabel(page, labels[labels.length - 1]);
      await untilRanked(page, photographs, labels.length);
    },
    'the largest set of templates': async () => {
      await takeTemplates(page, LARGEST_SET.name);
      // The page said the same sentence before, and takes it back first.
      await page.waitForTimeout(SETTLED_MS);
      await untilRanked(page, photographs, labels.length);
    },
    'sorted by a label': async () => {
      await page.locator('label.select select').first().selectOption(`=${labels[0]}`);
    },
    'all labels of a photograph': async () => {
      await showAllLabels(page, labels.length);
      await page.keyboard.press('Escape');
    },
    'as a table': () => page.locator('button[aria-label="Table"]').click(),
    'table scrolled': () => scroll(page),
    'cards scrolled': async () => {
      await page.locator('button[aria-label="Cards"]').click();
      await scroll(page);
    },
  };
  try {
    const observed = {} as Record<Stage, Observed>;
    for (const stage of STAGES) {
      await acts[stage]();
      await page.waitForTimeout(SETTLED_MS);
      observed[stage] = await page.evaluate(() => ({
        tasks: window.observed.tasks.splice(0),
        frames: window.observed.frames.splice(0),
      }));
    }
    return observed;
  } finally {
    await page.context().close();
  }
}

async function scroll(page: Page): Promise<void> {
  await page.mouse.move(900, 600);
  for (let i = 0; i < 40; i++) {
    await page.mouse.wheel(0, 600);
    await page.waitForTimeout(30);
  }
}

function observe(context: BrowserContext): ReturnType<Page['addInitScript']> {
  return context.addInitScript(() => {
    /** TypeScript's library does not know of long animation frames. */
    interface FrameEntry extends PerformanceEntry {
      readonly scripts: readonly { duration: number; invoker: string; sourceFunctionName: string }[];
    }
    const observed: Window['observed'] = { tasks: [], frames: [] };
    window.observed = observed;
    new PerformanceObserver((list) => {
      for (const { startTime: start, duration: ms } of list.getEntries()) observed.tasks.push({ start, ms });
    }).observe({ type: 'longtask', buffered: true });
    new PerformanceObserver((list) => {
      for (const { startTime: start, duration: ms, scripts } of list.getEntries() as FrameEntry[]) {
        const blame = scripts.map((each) => `${each.duration} ms ${each.invoker} ${each.sourceFunctionName}`);
        observed.frames.push({ start, ms, scripts: blame });
      }
    }).observe({ type: 'long-animation-frame', buffered: true });
  });
}

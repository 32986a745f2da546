// The page's thread on the built product, with 500 photographs and 1,000 labels: dropped, ranked, one more label, sorted,
// filtered, scrolled. The longest task is what a visitor feels as a page that does not answer.

import { mkdir, writeFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { Promptlens } from '../../e2e/promptlens.ts';
import { smallPictures } from '../../e2e/site/pictures.ts';
import { openPage } from '../browser.ts';
import { CACHE } from '../cache.ts';
import { milliseconds, type Row } from '../report.ts';
import type { Setting } from './setting.ts';

const FLOOR_MS = 50;

interface LongTask {
  readonly start: number;
  readonly ms: number;
}

declare global {
  interface Window {
    longTasks: LongTask[];
  }
}

export async function pageThread({ browser, site, quick }: Setting): Promise<Row> {
  const photographs = quick ? 20 : 500;
  const labels = Array.from({ length: quick ? 50 : 1000 }, (_, i) => `label number ${i + 1}`);
  const paths = await pictureFiles(photographs);
  const page = await openPage(browser, 'about:blank', (context) =>
    context.addInitScript(() => {
      window.longTasks = [];
      new PerformanceObserver((list) => {
        for (const { startTime, duration } of list.getEntries()) {
          window.longTasks.push({ start: startTime, ms: duration });
        }
      }).observe({ type: 'longtask', buffered: true });
    }),
  );
  try {
    const app = new Promptlens(page, site.product);
    const stages: { stage: string; tasks: LongTask[] }[] = [];
    const stage = async (name: string, act: () => Promise<unknown>) => {
      await act();
      // The observer hears of a task after it has ended.
      await page.waitForTimeout(300);
      stages.push({ stage: name, tasks: await takeLongTasks(page) });
    };
    await stage('opened', () => app.open({ model: null, labels: labels.slice(0, -1) }));
    await stage('photographs added and ranked', async () => {
      await app.add(paths);
      await app.ranked(photographs, labels.length - 1);
    });
    await stage('one more label', async () => {
      await app.labels.type(labels[labels.length - 1]);
      await app.ranked(photographs, labels.length);
    });
    await stage('scrolled to the end', async () => {
      await page.mouse.move(900, 600);
      for (let i = 0; i < 30; i++) await page.mouse.wheel(0, 800);
      await page.waitForTimeout(500);
    });
    const longest = Math.max(0, ...stages.flatMap(({ tasks }) => tasks.map(({ ms }) => ms)));
    return {
      what: `page's thread, ${photographs} photographs and ${labels.length.toLocaleString('en')} labels`,
      floor: `no task over ${FLOOR_MS} ms`,
      measured: longest === 0 ? `no task over ${FLOOR_MS} ms` : `${milliseconds(longest)} at the longest`,
      pass: longest <= FLOOR_MS,
      sides: stages.map(({ stage, tasks }) => ({
        who: `ours, ${stage}`,
        figure: tasks.length === 0 ? '0' : milliseconds(Math.max(...tasks.map(({ ms }) => ms))),
        does: `${tasks.length} tasks over ${FLOOR_MS} ms, the longest named here`,
        samples: tasks,
      })),
    };
  } finally {
    await page.context().close();
  }
}

async function takeLongTasks(page: Page): Promise<LongTask[]> {
  return page.evaluate(() => window.longTasks.splice(0));
}

/** On the disk, so that the browser reads them as it reads a visitor's: handed over as bytes, they would pass through the page. */
async function pictureFiles(count: number): Promise<string[]> {
  const folder = `${CACHE}/pictures`;
  await mkdir(folder, { recursive: true });
  const pictures = await smallPictures(count);
  await Promise.all(pictures.map(({ name, buffer }) => writeFile(`${folder}/${name}`, buffer)));
  return pictures.map(({ name }) => `${folder}/${name}`);
}

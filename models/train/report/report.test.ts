// The report of a run as a browser gets it, and what a resumed run knows of its past.

import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inTurn, openLog, type RunLog } from '../log.ts';
import { remember } from './history.ts';
import type { ReportFacts } from './page.ts';
import { openReport } from './report.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-report-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const EVIL = '<img src=x onerror="alert(1)">&\'';
const ESCAPED = '&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&apos;';

const facts: ReportFacts = {
  name: EVIL,
  network: [['Parameters', '8,000,000']],
  settings: { '--train-data': EVIL, '--siglip': false, '--lr': 4e-4 },
  batchesPerEpoch: 5,
  guessing: { loss: Math.log(8), label: 'ln 8' },
  heldOut: { rows: 20, classes: 4 },
  sample: {
    pictures: [{ id: 'row 1', label: EVIL, url: 'data:image/webp;base64,AAAA' }],
    choices: 4,
    kind: 'labels',
  },
};

const line = (step: number, loss = 2) => ({
  step,
  loss,
  learningRate: 4e-4,
  logitScale: 14.2,
  gradientNorm: 0.7,
  skipped: 0,
  waited: 10,
  took: 500,
});
const judged = (step: number, accuracy: number, label = 'cat') => ({
  step,
  accuracy,
  better: true,
  predictions: [{ id: 'row 1', best: [{ label, probability: 0.62, right: true }] }],
});

function reported(changes: Partial<ReportFacts> = {}): RunLog {
  const logFile = join(folder, 'log.jsonl');
  const { log, history } = remember(logFile, 8);
  const report = openReport(join(folder, 'report.html'), history, { ...facts, ...changes });
  return inTurn([openLog(logFile, 8, facts.guessing), log, report]);
}
const page = () => readFile(join(folder, 'report.html'), 'utf8');

describe('report.html', () => {
  it('tells of the run, its evaluations and its sample, every word escaped', async () => {
    const log = reported();
    log.damaged(`${EVIL} cannot be decoded.`);
    log.start(0, 10);
    for (let step = 1; step <= 5; step++) log.step(line(step));
    await log.evaluation(judged(5, 0.456, EVIL));
    const text = await page();
    expect(text).toContain('45.6 %');
    expect(text).toContain('62 %');
    expect(text).toContain('Step 5 of 10, epoch 1.0 of 2.0');
    expect(text).toContain('ln 8 = 2.08');
    expect(text).toContain('src="data:image/webp;base64,AAAA"');
    expect(text).not.toContain('<img src=x');
    // Title, heading, the picture's label, its prediction, the damaged one, the setting.
    expect(text.split(ESCAPED)).toHaveLength(7);
    await log.stop();
  });

  it('names no other file and runs no script', async () => {
    const log = reported();
    log.start(0, 1);
    log.step(line(1));
    await log.stop();
    const text = await page();
    expect(text).not.toMatch(/<script|<link [^>]*stylesheet|@import|url\(|https?:/);
    for (const [, address] of text.matchAll(/(?:src|href)="([^"]*)"/g)) expect(address).toMatch(/^data:/);
    expect(text).toContain("default-src 'none'");
  });

  it('brings every token that its look is made of', async () => {
    const log = reported();
    log.start(0, 1);
    log.step(line(1));
    await log.evaluation(judged(1, 0.5));
    const text = await page();
    const names = (pattern: RegExp) => new Set(Array.from(text.matchAll(pattern), ([, name]) => name));
    const used = names(/var\((--[\w-]+)\)/g);
    expect(used).toContain('--right');
    const defined = names(/(--[\w-]+):/g);
    expect([...used].filter((name) => !defined.has(name))).toEqual([]);
  });

  it('is there before the first step, and without held-out rows', async () => {
    const log = reported({ heldOut: null, sample: null, guessing: null });
    log.start(0, 10);
    await log.checkpoint();
    expect(await page()).toContain('Nothing to draw before the first step');
    log.step(line(1));
    await log.stop();
    expect(await page()).toContain('<title id="loss-title">');
    expect(await page()).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('draws what hardly moves as that, on an axis whose marks differ', async () => {
    const log = reported();
    log.start(0, 3);
    for (const [i, logitScale] of [44.1, 44.105, 44.11].entries()) log.step({ ...line(i + 1), logitScale });
    await log.stop();
    const [, chart] = (await page()).split('id="scale-title"');
    const marks = Array.from(
      chart.split('</svg>')[0].matchAll(/text-anchor="end">([\d.]+)</g),
      ([, mark]) => mark,
    );
    expect(marks.length).toBeGreaterThan(2);
    expect(new Set(marks).size).toBe(marks.length);
  });

  it('shows pictures that are trained on where none are held out', async () => {
    const log = reported({ heldOut: null });
    log.start(0, 10);
    log.step(line(1));
    await log.evaluation({ ...judged(1, 0), accuracy: null, better: false });
    await log.stop();
    expect(await page()).toContain('of 1 of the pictures that it trains on, since none are held out');
    expect(await page()).not.toContain('id="evaluations"');
    expect(await page()).toContain('nothing is held out');
    expect(await page()).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('marks the evaluation whose weights were kept last', async () => {
    const log = reported();
    log.start(0, 40);
    for (const [i, accuracy] of [0.2, 0.6, 0.6, 0.5].entries()) {
      log.step(line(10 * (i + 1)));
      await log.evaluation({ ...judged(10 * (i + 1), accuracy), better: i < 3 });
    }
    await log.stop();
    expect(await page()).toContain('From 20.0 % to 50.0 % in 4 evaluations; the best is 60.0 % at step 30.');
    expect(await page()).toMatch(/<tr class="best"><th scope="row">30</);
  });

  it('stays small however long the run', async () => {
    const log = remember(join(folder, 'log.jsonl'), 8);
    const report = openReport(join(folder, 'report.html'), log.history, facts);
    log.log.start(0, 200_000);
    for (let step = 1; step <= 200_000; step++) log.log.step(line(step, 1 + Math.sin(step)));
    await report.stop();
    expect((await page()).length).toBeLessThan(100_000);
  });

  it('rests after it was written, but shows the end', async () => {
    const log = reported();
    log.start(0, 3);
    await log.checkpoint();
    for (let step = 1; step <= 3; step++) {
      log.step(line(step));
      await log.checkpoint();
    }
    await log.evaluation(judged(3, 0.5));
    expect(await page()).toContain('Step 0 of 3');
    await log.stop();
    expect(await page()).toContain('Finished: all 3 steps.');
  });

  it('that cannot be written is told of once and costs the run nothing', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await mkdir(join(folder, 'report.html', 'taken'), { recursive: true });
    const log = reported();
    log.start(0, 2);
    await log.checkpoint();
    log.step(line(1));
    await log.stop();
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/report\.html could not be written: .* The run goes on\.$/)],
    ]);
  });

  it('of a resumed run begins with its past, without what was done after the checkpoint', async () => {
    const killed = reported();
    killed.start(0, 6);
    killed.damaged('a.jpg cannot be decoded.');
    for (let step = 1; step <= 4; step++) killed.step(line(step, step === 4 ? 99 : 2));
    await killed.evaluation(judged(2, 0.9));
    await killed.evaluation(judged(4, 0.8));
    const path = join(folder, 'log.jsonl');
    await appendFile(path, '{"type":"step","st\n');

    const { log, history } = remember(path, 8);
    log.damaged('a.jpg cannot be decoded.');
    log.start(3, 6);
    expect(history).toMatchObject({ step: 3, totalSteps: 6, took: 1500, waited: 30 });
    expect(history.curves.loss.raw).toEqual([1, 2, 3].map((step) => ({ step, value: 2 })));
    expect(history.evaluations).toMatchObject([judged(2, 0.9)]);
    expect([...history.damaged]).toEqual(['a.jpg cannot be decoded.']);
    log.step(line(4));
    expect(history.step).toBe(4);
  });

  it('of a resumed run whose log is gone begins where it goes on', async () => {
    const log = reported();
    log.start(3, 6);
    await log.checkpoint();
    expect(await page()).toContain('Nothing to draw');
    log.step({ ...line(4), took: 120_000 });
    await log.stop();
    expect(await page()).toContain('Step 4 of 6, epoch 0.8 of 1.2, about 4 min left');
    expect(await page()).toContain('<title id="loss-title">');
  });
});

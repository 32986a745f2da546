// A run as one HTML page that needs no other file, no script and no network, and says so to the browser: the newest numbers, the
// curves, a sample of pictures with what the weights say of them, all evaluations, the settings.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { duration, type EvaluationLine, type Guessing, type Prediction } from '../log.ts';
import { type Chart, drawChart } from './chart.ts';
import type { Curve, Point } from './curve.ts';
import type { History } from './history.ts';
import { Html, html } from './html.ts';
import type { Sample, SamplePicture } from './sample.ts';

/** What does not change while a run goes on. */
export interface ReportFacts {
  /** The run's, for people. */
  readonly name: string;
  /** Pairs of what and how much. */
  readonly network: readonly (readonly [string, string])[];
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly batchesPerEpoch: number;
  /** Null for a loss that has no such number. */
  readonly guessing: Guessing | null;
  /** How many rows are held out, and among how many labels or captions they are ranked; null where none are. */
  readonly heldOut: { readonly rows: number; readonly classes: number } | null;
  readonly sample: Sample | null;
}

const STYLE = new Html(
  ['../../../app/ui/tokens.css', 'page.css']
    .map((path) => readFileSync(join(import.meta.dirname, path), 'utf8'))
    .join('\n'),
);

/** Facts that stand in one column; more of them share the width. */
const MANY_FACTS = 8;

/** Sentences of damaged pictures that are shown; the others are in log.jsonl. */
const MOST_SENTENCES = 50;

export function reportPage(history: History, facts: ReportFacts, now: Date): string {
  const { name } = facts;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${name}: training report</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${name}</h1>
${standing(history, facts, now)}
</header>
<main>
${figures(history, facts)}
<section aria-labelledby="curves"><h2 id="curves">Curves</h2>
${history.counted === 0 ? html`<p>Nothing to draw before the first step.</p>` : html`<div class="charts">${charts(history, facts).map((chart) => drawChart(chart, history.step))}</div>`}
</section>
${sample(history, facts)}
${evaluations(history)}
${damaged(history)}
<section aria-labelledby="made"><h2 id="made">Network and settings</h2>
${factList('Network', facts.network)}
${factList(
  'Settings',
  Object.entries(facts.settings).map(([key, value]) => [key, spoken(value)]),
)}
</section>
</main>
</body>
</html>
`;
  return page.text;
}

function standing(
  { step, totalSteps, counted, took }: History,
  { batchesPerEpoch }: ReportFacts,
  now: Date,
): Html {
  const done = step === totalSteps;
  const epoch = `epoch ${decimal(step / batchesPerEpoch, 1)} of ${decimal(totalSteps / batchesPerEpoch, 1)}`;
  const left =
    counted === 0 ? '' : `, about ${duration(((took / counted) * (totalSteps - step)) / 1000)} left`;
  const state = done
    ? `Finished: all ${whole(totalSteps)} steps.`
    : `Step ${whole(step)} of ${whole(totalSteps)}, ${epoch}${left}.`;
  return html`<p>${state} As of <time datetime="${now.toISOString()}">${clock(now)}</time>${done ? '' : '; reload for news'}.</p>
<progress max="${totalSteps}" value="${step}" aria-label="Steps done"></progress>`;
}

/** The numbers to see first. */
function figures(history: History, { heldOut }: ReportFacts): Html {
  const { curves, damaged, took } = history;
  const best = bestOf(history.evaluations);
  const newest = (curve: Curve) => curve.smoothed.at(-1)?.value;
  const loss = newest(curves.loss);
  const speed = newest(curves.pairsPerSecond);
  const shown: [string, string, string][] = [
    [
      'Held-out accuracy',
      best ? percent(best.accuracy) : '–',
      best ? `the best, at step ${whole(best.step)}` : heldOut ? 'not yet evaluated' : 'nothing is held out',
    ],
    ['Loss', loss === undefined ? '–' : decimal(loss, 3), 'smoothed'],
    ['Pairs a second', speed === undefined ? '–' : number(speed), 'smoothed'],
    [
      'Learning rate',
      history.counted === 0 ? '–' : number(last(curves.learningRate.raw)),
      'of the last step',
    ],
    ['Time trained', duration(took / 1000), 'without evaluations'],
    ['Damaged pictures', whole(damaged.size), damaged.size > 0 ? 'left out' : 'none so far'],
  ];
  return html`<dl class="figures">${shown.map(
    ([what, value, note]) =>
      html`<div class="card"><dt>${what}</dt><dd>${value}<small>${note}</small></dd></div>`,
  )}</dl>`;
}

function charts(
  { curves, evaluations, step, took, waited }: History,
  { guessing, heldOut }: ReportFacts,
): Chart[] {
  const { loss, learningRate, logitScale, gradientNorm, pairsPerSecond } = curves;
  const accuracy = curves.accuracy.raw;
  const best = bestOf(evaluations);
  const guess = heldOut && { value: 1 / heldOut.classes, label: `guessing: ${percent(1 / heldOut.classes)}` };
  const judged: Chart[] = !best
    ? []
    : [
        {
          id: 'accuracy',
          title: 'Held-out accuracy',
          summary: `${between(accuracy, percent)} in ${whole(evaluations.length)} evaluations; the best is ${percent(best.accuracy)} at step ${whole(best.step)}.`,
          curves: [
            { look: 'bold', points: accuracy },
            { look: 'dots', points: accuracy },
          ],
          level: guess,
          mark: {
            point: { step: best.step, value: best.accuracy },
            label: `best: ${percent(best.accuracy)}`,
          },
          format: (value) => `${number(100 * value)} %`,
          fromZero: true,
        },
      ];
  return [
    {
      id: 'loss',
      title: 'Loss',
      summary: `${between(loss.smoothed, (value) => decimal(value, 3))}, smoothed, in ${whole(step)} steps${guessing ? `; guessing gives ${guessing.label} = ${decimal(guessing.loss, 2)}, less where pairs of a batch share a label` : ''}.`,
      curves: both(loss),
      level: guessing && { value: guessing.loss, label: `guessing: ${guessing.label}` },
      format: number,
    },
    ...judged,
    {
      id: 'rate',
      title: 'Learning rate',
      summary: `${highest(learningRate.raw)}; now ${number(last(learningRate.raw))}.`,
      curves: [{ look: 'bold', points: learningRate.raw }],
      format: number,
      fromZero: true,
    },
    {
      id: 'scale',
      title: 'Logit scale',
      summary: `${between(logitScale.raw, number)}; 100 is the most it may be.`,
      curves: [{ look: 'bold', points: logitScale.raw }],
      format: number,
    },
    {
      id: 'gradient',
      title: 'Gradient norm',
      summary: `${between(gradientNorm.smoothed, number)}, smoothed; ${lowerFirst(highest(gradientNorm.raw))}. Before clipping.`,
      curves: both(gradientNorm),
      format: number,
      fromZero: true,
    },
    {
      id: 'speed',
      title: 'Pairs a second',
      summary: `${between(pairsPerSecond.smoothed, number)}, smoothed; ${percent(waited / took)} of the time went by waiting for pictures.`,
      curves: both(pairsPerSecond),
      format: number,
      fromZero: true,
    },
  ];
}

function both(curve: Curve): Chart['curves'] {
  return [
    { look: 'faint', points: curve.raw },
    { look: 'bold', points: curve.smoothed },
  ];
}

function between(points: readonly Point[], format: (value: number) => string): string {
  return `From ${format(points[0]?.value ?? Number.NaN)} to ${format(last(points))}`;
}

function highest(points: readonly Point[]): string {
  // A log may say of no step what it was.
  if (points.length === 0) return 'No number was told';
  const high = points.reduce((a, b) => (b.value > a.value ? b : a));
  return `Highest ${number(high.value)} at step ${whole(high.step)}`;
}

function last(points: readonly Point[]): number {
  return points.at(-1)?.value ?? Number.NaN;
}

function sample({ evaluations }: History, { heldOut, sample }: ReportFacts): Html | null {
  if (!sample) return null;
  const { pictures, choices, kind } = sample;
  const newest = evaluations.at(-1);
  const said = new Map(newest?.predictions.map((prediction) => [prediction.id, prediction]));
  const which = heldOut
    ? `${pictures.length} of the ${whole(heldOut.rows)} held-out pictures`
    : `${pictures.length} of the pictures that it trains on, since none are held out`;
  const intro = newest
    ? `What the weights of step ${whole(newest.step)} say of ${which}: the three most probable of ${whole(choices)} ${kind}.`
    : `The first evaluation will say what the weights see in ${which}.`;
  return html`<section aria-labelledby="sample"><h2 id="sample">Sample</h2>
<p>${intro}</p>
<ul class="sample" role="list">${pictures.map((picture) => pictureItem(picture, said.get(picture.id)))}</ul>
</section>`;
}

function pictureItem({ label, url }: SamplePicture, prediction: Prediction | undefined): Html {
  return html`<li class="card"><img src="${url}" alt="" width="192" height="192">
<div class="words"><p class="is">${label}</p>
${
  prediction &&
  html`<ol role="list">${prediction.best.map(
    ({ label, probability, right }) =>
      html`<li${right ? html` class="right"` : null}><span>${label}${right ? html` <span aria-hidden="true">✓</span><span class="unseen"> (right)</span>` : null}</span><span class="share">${percent(probability, 0)}</span><span class="bar" style="--share: ${probability.toFixed(3)}"></span></li>`,
  )}</ol>`
}</div></li>`;
}

function evaluations({ evaluations }: History): Html | null {
  const best = bestOf(evaluations);
  if (!best) return null;
  const withUnseen = evaluations.some(({ unseen }) => unseen !== undefined);
  const unseenOf = ({ unseen }: EvaluationLine) =>
    withUnseen ? html`<td>${unseen === undefined ? '–' : percent(unseen)}</td>` : null;
  return html`<section aria-labelledby="evaluations"><h2 id="evaluations">Evaluations</h2>
<div class="scrolls card" role="group" aria-labelledby="evaluations" tabindex="0"><table>
<thead class="columns"><tr><th scope="col">Step</th><th scope="col">Held-out accuracy</th>${withUnseen ? html`<th scope="col">Unseen classes</th>` : null}<th scope="col">Note</th></tr></thead>
<tbody>${evaluations
    .filter(isJudged)
    .toReversed()
    .map(
      (line) =>
        html`<tr${line === best ? html` class="best"` : null}><th scope="row">${whole(line.step)}</th><td>${percent(line.accuracy)}</td>${unseenOf(line)}<td>${line === best ? 'the best; its weights are the model' : ''}</td></tr>`,
    )}</tbody></table></div></section>`;
}

function damaged({ damaged }: History): Html | null {
  if (damaged.size === 0) return null;
  const more = damaged.size - MOST_SENTENCES;
  return html`<section aria-labelledby="damaged"><h2 id="damaged">Damaged pictures</h2>
<details class="card"><summary>${whole(damaged.size)} could not be decoded and were left out</summary>
<ul>${[...damaged].slice(0, MOST_SENTENCES).map((sentence) => html`<li>${sentence}</li>`)}</ul>
${more > 0 ? html`<p>And ${whole(more)} more, all in log.jsonl.</p>` : null}</details></section>`;
}

function factList(title: string, facts: readonly (readonly [string, string])[]): Html {
  return html`<div class="facts card"><h3>${title}</h3><dl${facts.length > MANY_FACTS ? html` class="many"` : null}>${facts.map(
    ([key, value]) => html`<div><dt>${key}</dt><dd>${value}</dd></div>`,
  )}</dl></div>`;
}

/** The one whose weights the run keeps. */
function bestOf(evaluations: readonly EvaluationLine[]): Judged | undefined {
  return evaluations.filter(isJudged).findLast(({ better }) => better);
}

type Judged = EvaluationLine & { readonly accuracy: number };

function isJudged(line: EvaluationLine): line is Judged {
  return line.accuracy !== null;
}

function whole(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 0 });
}

function decimal(value: number, digits: number): string {
  return value.toFixed(digits);
}

/** Three digits that count. */
function number(value: number): string {
  if (value !== 0 && Math.abs(value) < 1e-3)
    return String(Number(value.toPrecision(3)).toExponential()).replace('-', '−');
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function percent(value: number, digits = 1): string {
  return `${(100 * value).toFixed(digits)} %`;
}

function spoken(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === '' ? '–' : String(value);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function clock(time: Date): string {
  return time.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short' });
}

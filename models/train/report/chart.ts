// Curves over the steps of a run as one SVG: two axes, lines, and a word where a word is needed. It is drawn for some 420 pixels,
// a phone's width or a column of a wide screen, so that its words stay readable on both.

import type { Point } from './curve.ts';
import { type Html, html } from './html.ts';

export interface Chart {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** What the curves show, in words. */
  readonly summary: string;
  /** `faint` behind `bold`; `dots` are single measurements. */
  readonly curves: readonly { readonly look: 'faint' | 'bold' | 'dots'; readonly points: readonly Point[] }[];
  /** A value to compare with: a line across. */
  readonly level?: { readonly value: number; readonly label: string } | null;
  /** A point that stands out. */
  readonly mark?: { readonly point: Point; readonly label: string } | null;
  readonly format: (value: number) => string;
  /** Whether the axis begins at 0, as that of a share does. */
  readonly fromZero?: boolean;
}

const WIDTH = 420;
const HEIGHT = 220;
const EDGE = { left: 52, right: 12, top: 14, bottom: 26 };

/** @param lastStep where the axis of the steps ends, the same for all charts of a page */
export function drawChart(chart: Chart, lastStep: number): Html {
  const { id, title, summary, curves, level = null, mark = null, format } = chart;
  const points = curves.flatMap((curve) => curve.points);
  const values = points.map(({ value }) => value);
  if (level) values.push(level.value);
  const [bottom, top] = extent(values, chart.fromZero ?? false);
  const x = (step: number) => EDGE.left + (step / lastStep) * (WIDTH - EDGE.left - EDGE.right);
  const y = (value: number) =>
    HEIGHT - EDGE.bottom - ((value - bottom) / (top - bottom)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const at = ({ step, value }: Point) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`;

  return html`<figure class="chart card">
<figcaption><h3>${title}</h3><p>${summary}</p></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title"><title id="${id}-title">${title}. ${summary}</title>
${ticks(bottom, top, 4).map(
  (tick) => html`<path class="grid" d="M${EDGE.left},${y(tick).toFixed(1)}H${WIDTH - EDGE.right}"/>
<text class="tick" x="${EDGE.left - 6}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${format(tick)}</text>`,
)}
${ticks(0, lastStep, 5)
  .filter(Number.isInteger)
  .map(
    (tick) =>
      html`<text class="tick" x="${x(tick).toFixed(1)}" y="${HEIGHT - 8}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
  )}
${
  level &&
  html`<path class="level" d="M${EDGE.left},${y(level.value).toFixed(1)}H${WIDTH - EDGE.right}"/>
<text class="word" x="${WIDTH - EDGE.right}" y="${(y(level.value) - 5).toFixed(1)}" text-anchor="end">${level.label}</text>`
}
${curves.map(({ look, points }) =>
  look === 'dots'
    ? points.map(
        (point) =>
          html`<circle class="dot" cx="${x(point.step).toFixed(1)}" cy="${y(point.value).toFixed(1)}" r="2.5"/>`,
      )
    : html`<polyline class="${look}" points="${points.map(at).join(' ')}"/>`,
)}
${mark && marked(x(mark.point.step), y(mark.point.value), mark.label)}
</svg></figure>`;
}

/** The word stands above the point, on the side where there is room. */
function marked(x: number, y: number, label: string): Html {
  const left = x > WIDTH / 2;
  return html`<circle class="mark" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="5"/>
<text class="word strong" x="${(x + (left ? 4 : -4)).toFixed(1)}" y="${(y - 10).toFixed(1)}" text-anchor="${left ? 'end' : 'start'}">${label}</text>`;
}

/**
 * Where an axis begins and ends: with some room above and below, never of no length, and not so short that what hardly moves looks as
 * if it did.
 */
function extent(values: readonly number[], fromZero: boolean): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (values.length === 0) return [0, 1];
  const span = high - low;
  const room = span > 0 ? Math.max(0.06 * span, (0.1 * Math.abs(high) - span) / 2) : Math.abs(high) || 1;
  return [fromZero || (low >= 0 && low < room) ? 0 : low - room, high + room];
}

/** About `count` round numbers from `low` to `high`: steps of 1, 2 or 5 times a power of ten. */
function ticks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((times) => times * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  // 3 × 0.1 is 0.30000000000000004.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

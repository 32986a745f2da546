// The photographs shown, in their order, as a file for a spreadsheet or a script.

import type { ModelReport } from '../inference/types.ts';
import type { PhotoResult } from './classifier.ts';
import { type Ranking, scoreOf } from './ranking.ts';

export interface ExportedPhoto {
  readonly name: string;
  /** SHA-256 of the file. */
  readonly id: string | null;
  readonly result: PhotoResult;
}

export interface ExportContext {
  readonly labels: readonly string[];
  readonly templates: readonly string[];
  readonly report: Pick<ModelReport, 'model' | 'modelKey' | 'precision' | 'backend' | 'logitScale'>;
}

/** RFC 4180, a photograph a line, two columns a label. Pieces, so that a large file is never one string. */
export function* csvLines(photos: Iterable<ExportedPhoto>, { labels }: ExportContext): Generator<string> {
  yield csvLine([
    'file',
    'best label',
    'certainty',
    'probability',
    'cosine',
    'margin',
    'note',
    ...labels.flatMap((label) => [`${label} (probability)`, `${label} (cosine)`]),
  ]);
  for (const { name, result } of photos) {
    const ranking = rankingOf(result);
    yield csvLine([
      name,
      ranking?.best.label ?? '',
      ranking?.certainty ?? '',
      ranking?.probability ?? null,
      ranking?.best.cosine ?? null,
      ranking?.margin ?? null,
      result.state === 'failed' ? result.reason : result.state === 'waiting' ? 'not ranked yet' : '',
      ...labels.flatMap((label) => {
        const score = ranking === null ? undefined : scoreOf(ranking, label);
        return [score?.probability ?? null, score?.cosine ?? null];
      }),
    ]);
  }
}

/** One JSON document; the same pieces. */
export function* jsonPieces(photos: Iterable<ExportedPhoto>, context: ExportContext): Generator<string> {
  const { labels, templates, report } = context;
  const { model, modelKey, precision, backend, logitScale } = report;
  const head = JSON.stringify(
    { model, modelKey, precision, backend, logitScale, templates, labels },
    null,
    2,
  );
  yield `${head.slice(0, -2)},\n  "photographs": [`;
  let separator = '\n';
  for (const { name, id, result } of photos) {
    const ranking = rankingOf(result);
    const entry = {
      file: name,
      sha256: id,
      ...(result.state === 'failed' && { problem: result.reason }),
      ...(ranking !== null && {
        best: ranking.best.label,
        certainty: ranking.certainty,
        margin: ranking.margin,
        scores: labels.flatMap((label) => {
          const score = scoreOf(ranking, label);
          return score === undefined ? [] : [{ label, ...score }];
        }),
      }),
    };
    yield `${separator}    ${JSON.stringify(entry)}`;
    separator = ',\n';
  }
  yield '\n  ]\n}\n';
}

function rankingOf(result: PhotoResult): Ranking | null {
  return result.state === 'ranked' ? result.ranking : null;
}

function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(Number(value.toPrecision(7)));
  // A spreadsheet takes text that begins like this for a formula; an apostrophe before it makes it text again.
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Such as `promptlens-2026-03-01-0912.csv`, in the visitor's own time. */
export function exportName(kind: 'csv' | 'json', now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('-');
  return `promptlens-${day}-${two(now.getHours())}${two(now.getMinutes())}.${kind}`;
}

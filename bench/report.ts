// What a benchmark says: rows with a floor, what was measured, and who did what for it. Printed as a table for people, written
// as JSON for whoever compares two runs.

export interface Side {
  readonly who: string;
  /** The figure with its unit. */
  readonly figure: string;
  /** What was done for it, so that a reader can judge whether it is fair. */
  readonly does: string;
  /** What the figure was computed from. */
  readonly samples?: unknown;
}

export interface Row {
  readonly what: string;
  /** Null where nothing is promised. */
  readonly floor: string | null;
  readonly measured: string;
  /** Null where there is no floor, or nothing was measured. */
  readonly pass: boolean | null;
  readonly sides: readonly Side[];
}

/** A row for what cannot be measured here, with the reason. */
export function skipped(what: string, floor: string, reason: string): Row {
  return { what, floor, measured: `not measured: ${reason}`, pass: null, sides: [] };
}

export function times(ratio: number): string {
  return `${ratio.toPrecision(3)} ×`;
}

export function milliseconds(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)} s`;
  return `${ms >= 100 ? ms.toFixed(0) : ms.toPrecision(2)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

const HEADINGS = ['what', 'floor', 'measured', ''] as const;

/** The rows as one table, each followed by those who took part. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [row.what, row.floor ?? '', row.measured, verdict(row)]);
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...cells.map((line) => line[i].length)),
  );
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => text.padEnd(widths[i]))
      .join('  ')
      .trimEnd();
  const lines = [line(HEADINGS), widths.map((width) => '─'.repeat(width)).join('  ')];
  for (const [i, { sides }] of rows.entries()) {
    lines.push(line(cells[i]));
    for (const { who, figure, does } of sides) lines.push(`    ${figure.padStart(9)}  ${who}: ${does}`);
  }
  return lines.join('\n');
}

function verdict({ pass }: Row): string {
  if (pass === null) return '';
  return pass ? 'pass' : 'SHORT';
}

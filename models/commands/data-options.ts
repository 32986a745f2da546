// The options of every command that opens pictures with words, for lists whose columns are not called as open_clip's are.

import { CSV_COLUMNS, type CsvColumns } from '../data/csv.ts';
import { type OptionTable, UsageError } from './arguments.ts';

export const CSV_OPTIONS = {
  'csv-img-key': {
    kind: 'text',
    value: 'column',
    default: CSV_COLUMNS.image,
    help: 'paths in .csv and .tsv',
  },
  'csv-caption-key': {
    kind: 'text',
    value: 'column',
    default: CSV_COLUMNS.caption,
    help: 'captions in .csv and .tsv',
  },
  'csv-separator': {
    kind: 'text',
    value: 'character',
    help: 'between fields, \\t for a tab; where it is left out a tab, or a comma in a .csv whose header has both columns with it',
  },
} as const satisfies OptionTable;

export function csvColumns(options: {
  readonly 'csv-img-key': string;
  readonly 'csv-caption-key': string;
  readonly 'csv-separator'?: string;
}): CsvColumns {
  const given = options['csv-separator'];
  const separator = given === '\\t' ? '\t' : given;
  if (separator !== undefined && (separator.length !== 1 || /["\r\n]/.test(separator)))
    throw new UsageError(
      `--csv-separator is ${JSON.stringify(given)}; expected one character that is no quotation mark or line break, or \\t for a tab.`,
    );
  return { image: options['csv-img-key'], caption: options['csv-caption-key'], separator };
}

// npm run -s collect -- --recipe models/recipes/promptlens-mini/data.json --repositories ../repositories \
//   --measured-by ../shared/data/eval --out runs/data
// npm run -s collect -- --train-data ../shared/data/train --measured-by ../shared/data/eval --out runs/checked
//
// Makes training data of public repositories that hold pictures, or of data that is here already: one parquet file for each data set,
// without the pictures that nearly equal one that is measured by. Prints a JSON object a data set, as the model card counts them.

import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import * as v from 'valibot';
import { checked, parseJson } from '../clip/checked.ts';
import { groupBy } from '../clip/group-by.ts';
import { isPlainName } from '../clip/plain-path.ts';
import { collect as collectSource, fingerprints, SourceRecipe, withoutMeasured } from '../data/collect.ts';
import type { CsvColumns } from '../data/csv.ts';
import type { Fingerprint } from '../data/near-duplicates.ts';
import { openSources, selectRows } from '../data/sources.ts';
import type { PairRow, PairSource } from '../data/types.ts';
import { readNamedFile, writeFileWhole } from '../files/folder.ts';
import { command, runWhereMain, UsageError } from './arguments.ts';
import { CSV_OPTIONS, csvColumns } from './data-options.ts';

const Recipe = v.object({
  /** Pixels. */
  shortSide: v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(512)),
  sources: v.pipe(v.array(SourceRecipe), v.minLength(1)),
});

const ROW_GROUP = 1000;

export const collect = command({
  name: 'collect',
  summary:
    'Makes training data of repositories that hold pictures, or of data, without what evaluation shows.',
  options: {
    recipe: { kind: 'text', value: 'data.json', help: 'which pictures of which repositories' },
    repositories: {
      kind: 'text',
      value: 'folder',
      help: 'where the repositories lie, each as <owner>/<name>',
    },
    'train-data': { kind: 'text', value: 'paths', help: 'data instead of a recipe, as training takes it' },
    'measured-by': {
      kind: 'text',
      value: 'paths',
      required: true,
      help: 'evaluation data, separated by commas, whose pictures are dropped from every source',
    },
    out: { kind: 'text', value: 'folder', required: true, help: 'where the parquet files go' },
    ...CSV_OPTIONS,
    only: { kind: 'list', form: 'comma', value: 'source', help: 'some of the data sets' },
  },
  run: async ({ recipe, repositories, 'train-data': data, 'measured-by': measured, out, only, ...csv }) => {
    const sources = await sourcesOf({ recipe, repositories, data, csv: csvColumns(csv) });
    const names = [...sources.keys()];
    const unknown = only?.find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new UsageError(`--only ${unknown} is none of ${data ?? recipe}: it has ${names.join(', ')}.`);
    const measuredBy = await fingerprints(await openSources(measured));
    for (const [name, rowsOf] of sources) {
      if (only !== undefined && !only.includes(name)) continue;
      const { rows, ...counts } = await rowsOf(measuredBy);
      await write(join(out, `${name}.parquet`), name, rows);
      console.log(JSON.stringify({ source: name, rows: rows.length, ...counts }));
    }
  },
});

type Row = Pick<PairRow, 'image' | 'labels' | 'captions'>;

/** The rows of a data set without what is measured by, and how many of what else there was. */
type RowsOf = (measuredBy: readonly Fingerprint[]) => Promise<{ readonly rows: readonly Row[] }>;

interface Wanted {
  readonly recipe: string | undefined;
  readonly repositories: string | undefined;
  readonly data: string | undefined;
  readonly csv: CsvColumns;
}

async function sourcesOf({ recipe, repositories, data, csv }: Wanted): Promise<Map<string, RowsOf>> {
  if (data !== undefined && recipe === undefined && repositories === undefined)
    return byDataSet(await openSources(data, console.warn, { csv }));
  if (data === undefined && recipe !== undefined && repositories !== undefined)
    return ofRecipe(recipe, repositories);
  throw new UsageError(
    'Data comes either from --recipe and --repositories, both, or from --train-data alone.',
  );
}

async function ofRecipe(path: string, repositories: string): Promise<Map<string, RowsOf>> {
  const file = await readNamedFile(path, 'Name a recipe in --recipe.');
  const { shortSide, sources } = checked(Recipe, parseJson(file, path), path);
  return new Map(
    sources.map((recipe) => [
      recipe.source,
      async (measuredBy) => {
        const folder = join(repositories, recipe.repository);
        await stat(folder).catch((cause: unknown) => {
          throw new Error(
            `${recipe.source} was not collected: there is no folder ${folder}. Clone ${recipe.repository} there, or leave it out with --only.`,
            { cause },
          );
        });
        const { rows, ...counts } = await collectSource(folder, recipe, { shortSide, measuredBy });
        const labelled = rows.map(({ image, label }) => ({ image, labels: [label], captions: [] }));
        return { rows: labelled, ...counts, terms: recipe.terms };
      },
    ]),
  );
}

/** Of data that is here already, whichever files a data set lies in. */
function byDataSet(source: PairSource): Map<string, RowsOf> {
  const rows = groupBy(Array(source.length).keys(), (index) => [source.text(index).source]);
  return new Map(
    Array.from(rows, ([name, indices]) => {
      if (!isPlainName(name))
        throw new Error(
          `${source.text(indices[0]).id} is of the data set ${JSON.stringify(name)}, which no file can be called; a name of letters, digits, dots and dashes was expected. Rename it in the data's column source.`,
        );
      const part = selectRows(source, indices, name);
      return [
        name,
        async (measuredBy) => ({ found: part.length, ...(await withoutMeasured(part, { measuredBy })) }),
      ];
    }),
  );
}

/** Where no row is left there is no file: whoever reads one without rows refuses it. */
async function write(path: string, source: string, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) {
    await rm(path, { force: true });
    return;
  }
  const bytes = parquetWriteBuffer({
    schema: SCHEMA,
    columnData: [
      { name: 'image', data: rows.map(({ image }) => image) },
      { name: 'label', data: rows.map(({ labels }) => labels.join('; ')) },
      { name: 'captions', data: rows.map(({ captions }) => [...captions]) },
      { name: 'source', data: rows.map(() => source) },
    ],
    rowGroupSize: ROW_GROUP,
  });
  await writeFileWhole(path, new Uint8Array(bytes));
}

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' } as const;
const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: 4 },
  { name: 'image', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED' },
  { name: 'label', ...text },
  { name: 'captions', repetition_type: 'REQUIRED', converted_type: 'LIST', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', ...text },
  { name: 'source', ...text },
];

await runWhereMain(import.meta, collect);

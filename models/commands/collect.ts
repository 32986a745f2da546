// npm run -s collect -- --recipe models/recipes/promptlens-mini/data.json --repositories ../repositories \
//   --measured-by ../shared/data/eval --out runs/data
// npm run -s collect -- --train-data ../shared/data/train --measured-by ../shared/data/eval --out runs/checked
//
// Makes training data of public repositories that hold pictures, or of data that is here already: one parquet file for each data set,
// without the pictures that nearly equal one that is measured by. Prints a JSON object a data set, as the model card counts them.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import * as v from 'valibot';
import { checked, parseJson } from '../clip/checked.ts';
import { collect as collectSource, fingerprints, SourceRecipe, withoutMeasured } from '../data/collect.ts';
import type { Fingerprint } from '../data/near-duplicates.ts';
import { openSources, selectRows } from '../data/sources.ts';
import type { PairRow, PairSource } from '../data/types.ts';
import { readNamedFile, writeFileWhole } from '../files/folder.ts';
import { command, runWhereMain, UsageError } from './arguments.ts';

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
    only: { kind: 'list', form: 'comma', value: 'source', help: 'some of the data sets' },
  },
  run: async ({ recipe, repositories, 'train-data': data, 'measured-by': measured, out, only }) => {
    if (data !== undefined && recipe === undefined && repositories === undefined) {
      const sources = byDataSet(await openSources(data));
      refuseUnknown(only, data, [...sources.keys()]);
      const measuredBy = await fingerprints(await openSources(measured));
      for (const [source, part] of sources) {
        if (only !== undefined && !only.includes(source)) continue;
        const { rows, ...counts } = await withoutMeasured(part, { measuredBy });
        await write(out, source, rows, { found: part.length, ...counts });
      }
    } else if (data === undefined && recipe !== undefined && repositories !== undefined) {
      const file = await readNamedFile(recipe, 'Name a recipe in --recipe.');
      const { shortSide, sources } = checked(Recipe, parseJson(file, recipe), recipe);
      const wanted = sources.map(({ source }) => source);
      refuseUnknown(only, recipe, wanted);
      const measuredBy = await fingerprints(await openSources(measured));
      for (const each of sources) {
        if (only !== undefined && !only.includes(each.source)) continue;
        await collectRepository(each, { repositories, shortSide, measuredBy, out });
      }
    } else {
      throw new UsageError(
        'Data comes either from --recipe and --repositories, both, or from --train-data alone.',
      );
    }
  },
});

function refuseUnknown(only: readonly string[] | undefined, path: string, sources: readonly string[]): void {
  const unknown = only?.find((name) => !sources.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--only ${unknown} is none of ${path}: it has ${sources.join(', ')}.`);
}

/** The rows of each data set, whichever files they lie in. */
function byDataSet(source: PairSource): Map<string, PairSource> {
  const rows = new Map<string, number[]>();
  for (let index = 0; index < source.length; index++) {
    const name = source.text(index).source;
    const known = rows.get(name);
    if (known) known.push(index);
    else rows.set(name, [index]);
  }
  return new Map(Array.from(rows, ([name, indices]) => [name, selectRows(source, indices, name)]));
}

interface Collecting {
  readonly repositories: string;
  readonly shortSide: number;
  readonly measuredBy: readonly Fingerprint[];
  readonly out: string;
}

async function collectRepository(
  recipe: SourceRecipe,
  { repositories, shortSide, measuredBy, out }: Collecting,
): Promise<void> {
  const { source, repository, terms } = recipe;
  const folder = join(repositories, repository);
  await stat(folder).catch((cause: unknown) => {
    throw new Error(
      `${source} was not collected: there is no folder ${folder}. Clone ${repository} there, or leave it out with --only.`,
      { cause },
    );
  });
  const { rows, ...counts } = await collectSource(folder, recipe, { shortSide, measuredBy });
  const all = rows.map(({ image, label }) => ({ image, labels: [label], captions: [] }));
  await write(out, source, all, { ...counts, terms });
}

async function write(
  out: string,
  source: string,
  rows: readonly Pick<PairRow, 'image' | 'labels' | 'captions'>[],
  counts: object,
): Promise<void> {
  console.log(JSON.stringify({ source, rows: rows.length, ...counts }));
  // A file without rows would be refused by whoever reads it.
  if (rows.length === 0) return;
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
  await writeFileWhole(join(out, `${source}.parquet`), new Uint8Array(bytes));
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

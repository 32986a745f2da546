// npm run -s collect -- --recipe models/recipes/promptlens-mini/data.json --repositories ../repositories \
//   --measured-by ../shared/data/eval --out runs/data
//
// Makes training data of public repositories that hold pictures: one parquet file for each source of the recipe, without the
// pictures that nearly equal one that is measured by. Prints a JSON object a source, as the model card counts them.

import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import * as v from 'valibot';
import { checked, parseJson } from '../clip/checked.ts';
import { collect as collectSource, fingerprints, SourceRecipe } from '../data/collect.ts';
import { openSources } from '../data/sources.ts';
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
  summary: 'Makes training data of repositories that hold pictures, without what evaluation shows.',
  options: {
    recipe: {
      kind: 'text',
      value: 'data.json',
      required: true,
      help: 'which pictures of which repositories',
    },
    repositories: {
      kind: 'text',
      value: 'folder',
      required: true,
      help: 'where the repositories lie, each as <owner>/<name>',
    },
    'measured-by': {
      kind: 'text',
      value: 'paths',
      required: true,
      help: 'evaluation data, separated by commas, whose pictures are dropped from every source',
    },
    out: { kind: 'text', value: 'folder', required: true, help: 'where the parquet files go' },
    only: { kind: 'list', form: 'comma', value: 'source', help: 'some of the sources' },
  },
  run: async ({ recipe: path, repositories, 'measured-by': measured, out, only }) => {
    const file = await readNamedFile(path, 'Name a recipe in --recipe.');
    const { shortSide, sources } = checked(Recipe, parseJson(file, path), path);
    const unknown = only?.find((name) => sources.every(({ source }) => source !== name));
    if (unknown !== undefined) {
      throw new UsageError(
        `--only ${unknown} is none of ${path}: it has ${sources.map(({ source }) => source).join(', ')}.`,
      );
    }
    const measuredBy = await fingerprints(await openSources(measured));
    await mkdir(out, { recursive: true });
    for (const recipe of sources) {
      if (only !== undefined && !only.includes(recipe.source)) continue;
      const folder = join(repositories, recipe.repository);
      await stat(folder).catch((cause: unknown) => {
        throw new Error(
          `${recipe.source} was not collected: there is no folder ${folder}. Clone ${recipe.repository} there, or leave it out with --only.`,
          { cause },
        );
      });
      const { rows, ...counts } = await collectSource(folder, recipe, { shortSide, measuredBy });
      const columns = [
        { name: 'image', data: rows.map(({ image }) => image), type: 'BYTE_ARRAY' as const },
        { name: 'label', data: rows.map(({ label }) => label), type: 'STRING' as const },
        { name: 'source', data: rows.map(() => recipe.source), type: 'STRING' as const },
      ];
      const bytes = parquetWriteBuffer({ columnData: columns, rowGroupSize: ROW_GROUP });
      await writeFileWhole(join(out, `${recipe.source}.parquet`), new Uint8Array(bytes));
      console.log(
        JSON.stringify({ source: recipe.source, rows: rows.length, ...counts, terms: recipe.terms }),
      );
    }
  },
});

await runWhereMain(import.meta, collect);

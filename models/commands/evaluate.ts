// npm run -s evaluate -- zero-shot --model public/models/promptlens-mini --data ../shared/data/eval/cifar10.parquet --json
// npm run -s evaluate -- retrieval --model public/models/promptlens-mini --data ../shared/data/eval/flickr8k-test.parquet --json
//
// How well a model folder does on data that it was not trained on.

import { hasPlace, templateSet } from '../clip/prompts.ts';
import { parseLabel } from '../data/labels.ts';
import { DATA_KINDS } from '../data/open-path.ts';
import { parseSpec } from '../data/source-spec.ts';
import { openSources } from '../data/sources.ts';
import type { PairSource } from '../data/types.ts';
import { retrieval as measureRetrieval } from '../evaluate/retrieval.ts';
import { zeroShot as measureZeroShot } from '../evaluate/zero-shot.ts';
import { readNamedFile } from '../files/folder.ts';
import { openModel } from '../inference/model.ts';
import { command, runWhereMain, UsageError } from './arguments.ts';
import { CSV_OPTIONS, csvColumns } from './data-options.ts';
import { MODEL_OPTIONS } from './model-options.ts';
import { withProgress } from './progress.ts';

const options = {
  ...MODEL_OPTIONS,
  data: {
    kind: 'text',
    value: 'paths',
    required: true,
    help: DATA_KINDS,
  },
  ...CSV_OPTIONS,
  json: { kind: 'flag', help: 'print one JSON object' },
} as const;

export const zeroShot = command({
  name: 'evaluate zero-shot',
  summary:
    'Ranks labels for every picture and prints how often the right one is first (acc1) or among five (acc5).',
  options: {
    ...options,
    templates: {
      kind: 'text',
      value: 'file',
      help: "a template a line, {} for the label; config.json's prompt_templates or else an ensemble where it is left out",
    },
    classes: {
      kind: 'text',
      value: 'file',
      help: 'a class a line, synonyms separated by "; "; the labels of the data where it is left out',
    },
    'per-class': { kind: 'flag', help: 'add the accuracy of each class' },
  },
  run: async ({ model: path, data, precision, threads, json, templates: templatesFile, ...rest }) => {
    const model = await openModel(path, { precision, threads });
    try {
      const source = await openData(data, rest);
      const templates = templatesFile
        ? await readTemplates(templatesFile)
        : (model.folder.config.prompt_templates ?? templateSet('ensemble'));
      const classes = rest.classes ? await readClasses(rest.classes) : undefined;
      const { perClass, ...figures } = await withProgress('pictures', source.length, (onProgress) =>
        measureZeroShot(model, source, { templates, classes, onProgress }),
      );
      const settings = { model: model.folder.name, precision: model.precision, data: source.name, templates };
      const shown = rest['per-class'] ? { per_class: perClass } : {};
      if (json) console.log(JSON.stringify({ ...figures, ...settings, ...shown }));
      else {
        console.log(
          table({ ...figures, ...settings, templates: `${templates.length}, such as ${templates[0]}` }),
        );
        if (rest['per-class']) {
          console.log();
          console.log(rows(perClass.map(({ name, acc1, n }) => [name, `${percent(acc1)} of ${n}`])));
        }
      }
    } finally {
      await model.close();
    }
  },
});

export const retrieval = command({
  name: 'evaluate retrieval',
  summary: 'Finds pictures by their captions and captions by their pictures; prints recall at 1, 5 and 10.',
  options,
  run: async ({ model: path, data, precision, threads, json, ...rest }) => {
    const model = await openModel(path, { precision, threads });
    try {
      const source = await openData(data, rest);
      const figures = await withProgress('pictures', source.length, (onProgress) =>
        measureRetrieval(model, source, { onProgress }),
      );
      const settings = { model: model.folder.name, precision: model.precision, data: source.name };
      console.log(json ? JSON.stringify({ ...figures, ...settings }) : table({ ...figures, ...settings }));
    } finally {
      await model.close();
    }
  },
});

async function openData(data: string, csv: Parameters<typeof csvColumns>[0]): Promise<PairSource> {
  if (parseSpec(data).some(({ times }) => times !== 1))
    throw new UsageError(`--data is ${data}; rows are measured once each. Leave out the * and its number.`);
  return openSources(data, console.warn, { csv: csvColumns(csv) });
}

async function readTemplates(file: string): Promise<string[]> {
  const templates = await readLines(file);
  const bad = templates.find((template) => !hasPlace(template));
  if (bad !== undefined) {
    throw new Error(
      `${file} was refused: the template ${JSON.stringify(bad)} has no {} where the label goes.`,
    );
  }
  return templates;
}

async function readClasses(file: string): Promise<string[][]> {
  return (await readLines(file)).map((line) => {
    const names = parseLabel(line);
    if (names.length > 0) return names;
    throw new Error(
      `${file} was refused: the line ${JSON.stringify(line)} names no class. Write a class a line, its synonyms separated by "; ".`,
    );
  });
}

async function readLines(file: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readNamedFile(file, 'A text file was expected.'));
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0)
    throw new Error(`${file} was refused: it has no line. Write a template or a class a line.`);
  return lines;
}

/** Shares as percentages, everything else as it is, one a line. */
function table(figures: object): string {
  return rows(
    Object.entries(figures).map(([name, value]) => {
      const share = typeof value === 'number' && /acc|recall/.test(name);
      return [name, share ? percent(value) : String(value)];
    }),
  );
}

function rows(pairs: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

await runWhereMain(import.meta, [zeroShot, retrieval]);

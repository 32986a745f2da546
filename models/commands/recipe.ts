// npm run -s recipe -- --recipe models/recipes/promptlens-mini/recipe.json
//
// Makes a model as a recipe says: its commands one after the other, with their options as they stand there. What is already there
// is kept, and a training run that was stopped goes on, so that the same command after an interruption goes on too.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { checked, parseJson, text } from '../clip/checked.ts';
import { readNamedFile } from '../files/folder.ts';
import { CHECKPOINT } from '../train/run.ts';
import { type Command, command, runWhereMain } from './arguments.ts';
import { collect } from './collect.ts';
import { retrieval, zeroShot } from './evaluate.ts';
import { exportCommand } from './export.ts';
import { lexicon } from './lexicon.ts';
import { train } from './train.ts';

export const COMMANDS: readonly Command[] = [collect, lexicon, train, exportCommand, zeroShot, retrieval];

const Value = v.union([text, v.number(), v.literal(true), v.pipe(v.array(text), v.minLength(1))]);
const Options = v.record(v.string(), Value);
const Name = v.picklist(COMMANDS.map(({ name }) => name));
export const Recipe = v.object({
  about: v.array(text),
  /** By command, what all its stages have that do not say otherwise. */
  every: v.optional(v.record(Name, Options), {}),
  stages: v.pipe(
    v.array(
      v.object({
        command: Name,
        /** A file or folder of this name says that the stage is done. */
        makes: v.optional(text),
        /** `false` leaves out one that every stage has. */
        options: v.record(v.string(), v.union([Value, v.literal(false)])),
      }),
    ),
    v.minLength(1),
  ),
});
type Stage = v.InferOutput<typeof Recipe>['stages'][number];

export const recipe = command({
  name: 'recipe',
  summary: 'Makes a model as a recipe says, one command after the other.',
  options: {
    recipe: { kind: 'text', value: 'recipe.json', required: true, help: 'the commands and their options' },
  },
  run: async ({ recipe: path }) => {
    const file = await readNamedFile(path, 'Name a recipe in --recipe.');
    const { every, stages } = checked(Recipe, parseJson(file, path), path);
    for (const [i, stage] of stages.entries()) {
      if (stage.makes !== undefined && existsSync(stage.makes)) {
        console.log(`${i + 1} of ${stages.length}: ${stage.makes} is there`);
        continue;
      }
      const argv = argumentsOf(stage.command, { ...every[stage.command], ...stage.options });
      console.log(`${i + 1} of ${stages.length}: ${stage.command} ${argv.join(' ')}`);
      await COMMANDS.find(({ name }) => name === stage.command)?.execute(argv);
    }
  },
});

function argumentsOf(name: Stage['command'], options: Stage['options']): string[] {
  const argv = Object.entries(options).flatMap(([option, value]) => {
    if (value === false) return [];
    if (value === true) return [`--${option}`];
    return [`--${option}`, Array.isArray(value) ? value.join(',') : String(value)];
  });
  const { out } = options;
  const begun = name === train.name && typeof out === 'string' && existsSync(join(out, CHECKPOINT));
  return begun ? [...argv, '--resume'] : argv;
}

await runWhereMain(import.meta, recipe);

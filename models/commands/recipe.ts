// npm run -s recipe -- --recipe models/recipes/promptlens-mini/recipe.json
//
// Makes a model as a recipe says: its commands one after the other, with their options as they stand there. What is already there
// is kept, and a training run that was stopped goes on, so that the same command after an interruption goes on too.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { checked, parseJson, text } from '../clip/checked.ts';
import { messageOf } from '../clip/message-of.ts';
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
    const made = stages.map((given, i) => {
      const stage = { ...given, options: { ...every[given.command], ...given.options } };
      const { chosen, argv } = stageOf(stage);
      const within = (error: unknown) => {
        const message = messageOf(error);
        // Not a UsageError: the options of the recipe's own command are not what is wrong.
        return new Error(`${path}, stage ${i + 1} (${stage.command}): ${message}`, { cause: error });
      };
      return { stage, chosen, argv, within };
    });
    // Whatever is wrong in the last stage is told before the first has taken hours.
    for (const { chosen, argv, within } of made) {
      try {
        chosen.check(argv);
      } catch (error) {
        throw within(error);
      }
    }
    for (const [i, { stage, chosen, argv, within }] of made.entries()) {
      if (stage.makes !== undefined && existsSync(stage.makes)) {
        console.log(`${i + 1} of ${stages.length}: ${stage.makes} is there`);
        continue;
      }
      const whole = [...argv, ...(isBegun(stage) ? ['--resume'] : [])];
      console.log(`${i + 1} of ${stages.length}: ${stage.command} ${whole.join(' ')}`);
      await chosen.execute(whole).catch((error: unknown) => {
        throw within(error);
      });
    }
  },
});

function stageOf({ command: wanted, options }: Stage): { chosen: Command; argv: string[] } {
  const chosen = COMMANDS.find(({ name }) => name === wanted);
  if (!chosen)
    throw new Error(`There is no command ${wanted}; there are ${COMMANDS.map(({ name }) => name)}.`);
  const argv = Object.entries(options).flatMap(([option, value]) => {
    if (value === false) return [];
    if (value === true) return [`--${option}`];
    if (!Array.isArray(value)) return [`--${option}`, String(value)];
    // A list's option may be given several times; sources in --train-data are one text.
    return chosen.options[option]?.kind === 'list'
      ? value.flatMap((each) => [`--${option}`, each])
      : [`--${option}`, value.join(',')];
  });
  return { chosen, argv };
}

/** A training run that was stopped goes on. */
function isBegun({ command: name, options: { out } }: Stage): boolean {
  return name === train.name && typeof out === 'string' && existsSync(join(out, CHECKPOINT));
}

await runWhereMain(import.meta, recipe);

// Arguments in, one call, words out. A command states its options in one table; the table gives the values their types, the
// `--help` text, and the sentence for whatever does not fit.
//
//   export const train = command({ name: 'train', summary: '…', options: { out: { kind: 'text', value: 'folder', help: '…',
//     required: true }, epochs: { kind: 'number', help: '…', default: 10, min: 1, integer: true } },
//     run: async ({ out, epochs }) => { … } });
//   await runWhereMain(import.meta, train);
//
// Exit codes: 0 done, 1 the work failed (one sentence on stderr), 2 the arguments do not fit (likewise).

import { realpathSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../clip/message-of.ts';

interface Described {
  /** One line of the `--help` text, without the default. */
  readonly help: string;
}
interface Valued<T> extends Described {
  /** What the value is, in a word: `folder` is shown as `--out <folder>`. */
  readonly value?: string;
  readonly default?: T;
  readonly required?: true;
}
interface NumberOption extends Valued<number> {
  readonly kind: 'number';
  readonly min?: number;
  readonly max?: number;
  /** Bounds that the value itself may not have. */
  readonly above?: number;
  readonly below?: number;
  readonly integer?: true;
}
interface ListOption extends Valued<readonly string[]> {
  readonly kind: 'list';
  /** `comma`: one argument, `a,b,c`; `words`: all arguments up to the next option. Both may be given several times. */
  readonly form: 'comma' | 'words';
  readonly choices?: readonly string[];
}

type Option =
  | (Described & { readonly kind: 'flag' })
  | (Valued<string> & {
      readonly kind: 'text';
      /** Given without its name, as the one argument that has none. */
      readonly positional?: true;
    })
  | (Valued<string> & { readonly kind: 'choice'; readonly choices: readonly string[] })
  | NumberOption
  | ListOption;

export type OptionTable = Readonly<Record<string, Option>>;

type Given<O extends Option> = O extends { kind: 'flag' }
  ? boolean
  : O extends { kind: 'number' }
    ? number
    : O extends { kind: 'list'; choices: readonly (infer Choice)[] }
      ? readonly Choice[]
      : O extends { kind: 'list' }
        ? readonly string[]
        : O extends { kind: 'choice'; choices: readonly (infer Choice)[] }
          ? Choice
          : string;

/** What `run` receives: undefined only where an option is neither required nor has a default. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]:
    | Given<Table[Name]>
    | (Table[Name] extends { kind: 'flag' } | { required: true } | { default: unknown } ? never : undefined);
};

/** A command without its types: what `runCommand` needs. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly options: OptionTable;
  /** Throws a UsageError where `argv` does not fit the table. */
  check(argv: readonly string[]): void;
  /** The whole `--help` text. */
  help(): string;
  /** Rejects with a UsageError where `argv` does not fit the table, else as `run` does. */
  execute(argv: readonly string[]): Promise<void>;
}

/** Arguments that do not fit; the message is a sentence for the person who typed them. */
export class UsageError extends Error {}

export function command<const Table extends OptionTable>(definition: {
  /** As typed after `npm run -s`, sub-command included: `evaluate zero-shot`. */
  readonly name: string;
  readonly summary: string;
  readonly options: Table;
  /** What other programs call options that are asked for here, and what to do instead. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  run(values: OptionValues<Table>): Promise<void>;
}): Command {
  const { name, summary, options, elsewhere } = definition;
  const parse = (argv: readonly string[]) => parseOptions(options, argv, elsewhere);
  return {
    name,
    summary,
    options,
    help: () => helpText(name, summary, options),
    check: (argv) => void parse(argv),
    execute: async (argv) => definition.run(parse(argv)),
  };
}

/**
 * Runs a file's command, or the one of several that the first argument names, where that file is what Node was started
 * with; a file that another imports runs nothing.
 */
export async function runWhereMain(
  meta: { readonly filename: string },
  commands: Command | readonly [Command, ...Command[]],
): Promise<void> {
  if (process.argv[1] === undefined || realpathSync(process.argv[1]) !== realpathSync(meta.filename)) return;
  // `… | head -1` closes our output early: that is the reader's choice, not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const argv = process.argv.slice(2);
  process.exitCode = await ('name' in commands ? runCommand(commands, argv) : runOneOf(commands, argv));
}

/** Runs one command and returns the exit code. */
export async function runCommand(chosen: Command, argv: readonly string[]): Promise<number> {
  if (asksForHelp(argv)) {
    console.log(chosen.help());
    return 0;
  }
  try {
    await chosen.execute(argv);
    return 0;
  } catch (error) {
    console.error(messageOf(error));
    if (!(error instanceof UsageError)) return 1;
    console.error(`\`npm run -s ${spoken(chosen.name)} --help\` lists the options.`);
    return 2;
  }
}

/** Runs the command whose last word is the first argument. */
export async function runOneOf(commands: readonly Command[], argv: readonly string[]): Promise<number> {
  const [word, ...rest] = argv;
  const chosen = commands.find(({ name }) => name.split(' ').at(-1) === word);
  if (chosen) return runCommand(chosen, rest);
  const lines = commands.map(({ name, summary }) => `  npm run -s ${spoken(name)} …\n      ${summary}`);
  const overview = `Say which one; each lists its options with --help:\n\n${lines.join('\n')}`;
  if (asksForHelp(argv)) console.log(overview);
  else console.error(overview);
  return asksForHelp(argv) ? 0 : 2;
}

/** The values of `argv` by `table`; throws a UsageError. */
export function parseOptions<Table extends OptionTable>(
  table: Table,
  argv: readonly string[],
  elsewhere: Readonly<Record<string, string>> = {},
): OptionValues<Table> {
  const given = new Map<string, string[]>();
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(table).map(([name, { kind }]) => [
        name,
        { type: kind === 'flag' ? 'boolean' : 'string' } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  let wordsGoTo: string[] | null = null;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      const target = wordsGoTo ?? positionalIn(table, given);
      // Of a list of texts one may be empty.
      if (token.value === '' && !wordsGoTo)
        throw new UsageError('An argument is empty; is a variable of the shell not set?');
      if (!target) throw new UsageError(`${JSON.stringify(token.value)} belongs to no option.`);
      target.push(token.value);
      continue;
    }
    const option = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (!option || isPositional(option)) {
      const instead = Object.hasOwn(elsewhere, token.name) ? `; ${elsewhere[token.name]}` : '';
      throw new UsageError(`There is no option ${token.rawName}${instead}.`);
    }
    const values: string[] = given.get(token.name) ?? [];
    if (given.has(token.name) && option.kind !== 'list') {
      throw new UsageError(`${token.rawName} is given twice.`);
    }
    given.set(token.name, values);
    if (option.kind === 'flag') {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value.`);
    } else if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      throw new UsageError(`${token.rawName} needs a value: ${signature(token.name, option)}.`);
    } else if (option.kind === 'list' && option.form === 'comma') {
      values.push(...token.value.split(',').filter((part) => part !== ''));
    } else {
      values.push(token.value);
    }
    wordsGoTo = option.kind === 'list' && option.form === 'words' ? values : null;
    // `--out "$FOLDER"` with a variable that is not set is a slip, never a wish.
    if ((option.kind === 'text' && token.value === '') || (option.kind === 'list' && values.length === 0)) {
      throw new UsageError(`${token.rawName} is empty; it needs a value: ${signature(token.name, option)}.`);
    }
  }
  const entries = Object.entries(table).map(([name, option]) => [
    name,
    parsed(name, option, given.get(name)),
  ]);
  return Object.fromEntries(entries) as OptionValues<Table>;
}

const isPositional = (option: Option): boolean => option.kind === 'text' && option.positional === true;

/** Where the one argument without a name goes, unless it was given already. */
function positionalIn(table: OptionTable, given: Map<string, string[]>): string[] | undefined {
  const name = Object.keys(table).find((each) => isPositional(table[each]));
  if (name === undefined || given.has(name)) return undefined;
  const values: string[] = [];
  given.set(name, values);
  return values;
}

function parsed(name: string, option: Option, given: readonly string[] | undefined): unknown {
  if (option.kind === 'flag') return given !== undefined;
  if (given === undefined) {
    if (option.required) throw new UsageError(`${signature(name, option)} is needed: ${option.help}.`);
    return option.default;
  }
  switch (option.kind) {
    case 'text':
      return given[0];
    case 'choice':
      return oneOf(name, given[0] ?? '', option.choices);
    case 'list':
      return option.choices ? given.map((value) => oneOf(name, value, option.choices ?? [])) : given;
    case 'number':
      return numberOf(name, option, given[0] ?? '');
    default:
      return option satisfies never;
  }
}

function oneOf(name: string, value: string, choices: readonly string[]): string {
  if (choices.includes(value)) return value;
  throw new UsageError(`--${name} is ${JSON.stringify(value)}; it must be one of ${choices.join(', ')}.`);
}

function numberOf(name: string, option: NumberOption, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity, integer = false } = option;
  const inside = value >= min && value <= max && value > above && value < below;
  if (Number.isFinite(value) && inside && (!integer || Number.isInteger(value))) return value;
  const bounds = [
    ...(min === -Infinity ? [] : [`of at least ${min}`]),
    ...(above === -Infinity ? [] : [`above ${above}`]),
    ...(max === Infinity ? [] : [`at most ${max}`]),
    ...(below === Infinity ? [] : [`below ${below}`]),
  ].join(' and ');
  throw new UsageError(
    `--${name} is ${JSON.stringify(text)}; it must be a ${integer ? 'whole ' : ''}number${bounds && ` ${bounds}`}.`,
  );
}

/** `--out <folder>`, as usage lines and messages show it. */
function signature(name: string, option: Option): string {
  if (option.kind === 'flag') return `--${name}`;
  if (isPositional(option)) return `<${option.value ?? name}>`;
  const plain = { text: 'text', number: 'n', choice: 'name', list: 'text' }[option.kind];
  const choices = option.kind === 'choice' || option.kind === 'list' ? option.choices : undefined;
  const value = `<${option.value ?? choices?.join('|') ?? plain}>`;
  if (option.kind !== 'list') return `--${name} ${value}`;
  return `--${name} ${value}${option.form === 'comma' ? '[,…]' : ' …'}`;
}

function helpText(name: string, summary: string, options: OptionTable): string {
  const entries = Object.entries(options);
  const needed = entries.filter(([, option]) => option.kind !== 'flag' && option.required);
  const usage = [`npm run -s ${spoken(name)}`, ...needed.map(([n, o]) => signature(n, o)), '[options]'].join(
    ' ',
  );
  const rows = entries.map(([n, option]): [string, string] => {
    const standard = option.kind === 'flag' ? undefined : option.default;
    const shown = Array.isArray(standard) ? standard.join(',') : standard;
    return [signature(n, option), shown === undefined ? option.help : `${option.help} (default ${shown})`];
  });
  rows.push(['--help', 'print this']);
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  return `${summary}\n\n${usage}\n\n${lines.join('\n')}`;
}

function asksForHelp(argv: readonly string[]): boolean {
  return argv.includes('--help') || argv.includes('-h');
}

/** `evaluate zero-shot` as it is typed: `evaluate -- zero-shot`. */
function spoken(name: string): string {
  const [script, ...rest] = name.split(' ');
  return [script, '--', ...rest].join(' ');
}

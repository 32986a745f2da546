import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { command, type OptionTable, parseOptions, runCommand, runOneOf, UsageError } from './arguments.ts';

const table = {
  out: { kind: 'text', value: 'folder', help: 'where the model goes', required: true },
  epochs: { kind: 'number', help: 'passes over the data', default: 10, min: 1, integer: true },
  lr: { kind: 'number', help: 'learning rate', min: 0, max: 1 },
  beta: { kind: 'number', help: 'decay', above: 0, below: 1 },
  precision: { kind: 'choice', choices: ['fp32', 'q8'], help: 'weights', default: 'fp32' },
  data: { kind: 'list', form: 'comma', value: 'file', help: 'what to read', default: ['a', 'b'] },
  only: { kind: 'list', form: 'comma', choices: ['x', 'y'], help: 'which' },
  images: { kind: 'list', form: 'words', value: 'file', help: 'pictures' },
  json: { kind: 'flag', help: 'as JSON' },
} as const;

describe('parseOptions', () => {
  test('fills in defaults', () => {
    expect(parseOptions(table, ['--out', 'm'])).toEqual({
      out: 'm',
      epochs: 10,
      lr: undefined,
      beta: undefined,
      precision: 'fp32',
      data: ['a', 'b'],
      only: undefined,
      images: undefined,
      json: false,
    });
  });

  test('takes values in every form', () => {
    const values = parseOptions(table, [
      ...['--images', 'a.jpg', 'b c.jpg', '--out=m', '--epochs', '3', '--lr', '1e-3', '--precision', 'q8'],
      ...[
        '--data',
        'p,q',
        '--data',
        'r',
        '--only',
        'x',
        '--beta',
        '0.99',
        '--json',
        '--images',
        '-',
        '--',
        '-d.jpg',
      ],
    ]);
    expect(values).toEqual({
      out: 'm',
      epochs: 3,
      lr: 0.001,
      beta: 0.99,
      precision: 'q8',
      data: ['p', 'q', 'r'],
      only: ['x'],
      images: ['a.jpg', 'b c.jpg', '-', '-d.jpg'],
      json: true,
    });
    // The types say what the table says.
    values.epochs.toFixed();
    values.out.trim();
    values.precision satisfies 'fp32' | 'q8';
    values.only satisfies readonly ('x' | 'y')[] | undefined;
  });

  test.each([
    [[], /^--out <folder> is needed: where the model goes\.$/],
    [['--out'], /^--out needs a value: --out <folder>\.$/],
    [['--out', '--json'], /^--out needs a value/],
    [['--out', ''], /^--out is empty; it needs a value: --out <folder>\.$/],
    [['--out='], /^--out is empty/],
    [['--out', 'm', '--data', ''], /^--data is empty; it needs a value: --data <file>\[,…\]\.$/],
    [['--out', 'm', '--only', ','], /^--only is empty/],
    [['--out', 'm', '--data', 'a', ''], /^An argument is empty/],
    [['--out', 'm', '--outt', 'x'], /^There is no option --outt\.$/],
    [['--out', 'm', '-x'], /^There is no option -x\.$/],
    [['--out', 'm', '--out', 'n'], /^--out is given twice\.$/],
    [['--out', 'm', 'stray'], /^"stray" belongs to no option\.$/],
    [['--out', 'm', '--epochs', '0'], /^--epochs is "0"; it must be a whole number of at least 1\.$/],
    [['--out', 'm', '--epochs', '1.5'], /whole number/],
    [['--out', 'm', '--lr', 'fast'], /^--lr is "fast"; it must be a number of at least 0 and at most 1\.$/],
    [['--out', 'm', '--lr', ''], /^--lr is ""/],
    [['--out', 'm', '--beta', '1'], /^--beta is "1"; it must be a number above 0 and below 1\.$/],
    [['--out', 'm', '--beta', '0'], /^--beta is "0"; it must be a number above 0 and below 1\.$/],
    [['--out', 'm', '--precision', 'q9'], /^--precision is "q9"; it must be one of fp32, q8\.$/],
    [['--out', 'm', '--only', 'x,z'], /^--only is "z"; it must be one of x, y\.$/],
    [['--out', 'm', '--json=yes'], /^--json takes no value\.$/],
    [['--out', 'm', '--toString', 'x'], /^There is no option --toString\.$/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseOptions(table, argv)).toThrow(UsageError);
    expect(() => parseOptions(table, argv)).toThrow(message);
  });

  test('names its own option where another program has another name for it', () => {
    const elsewhere = { logs: 'name the folder in --out' };
    expect(() => parseOptions(table, ['--logs', 'x'], elsewhere)).toThrow(
      /^There is no option --logs; name the folder in --out\.$/,
    );
    expect(() => parseOptions(table, ['--toString', 'x'], elsewhere)).toThrow(
      /^There is no option --toString\.$/,
    );
  });
});

describe('runCommand', () => {
  afterEach(() => vi.restoreAllMocks());

  const train = command({
    name: 'train',
    summary: 'Learns.',
    options: { out: table.out, epochs: table.epochs, images: table.images, data: table.data },
    run: async ({ epochs }) => {
      if (epochs === 13) throw new Error('The 13th epoch is refused.');
    },
  });
  const zeroShot = command({
    name: 'evaluate zero-shot',
    summary: 'Ranks.',
    options: {},
    run: async () => {},
  });

  function said() {
    const lines = { out: '', err: '' };
    vi.spyOn(console, 'log').mockImplementation((line) => {
      lines.out += `${line}\n`;
    });
    vi.spyOn(console, 'error').mockImplementation((line) => {
      lines.err += `${line}\n`;
    });
    return lines;
  }

  test('0, 1 and 2 as exit codes, each failure as one sentence', async () => {
    const lines = said();
    expect(await runCommand(train, ['--out', 'm'])).toBe(0);
    expect(lines).toEqual({ out: '', err: '' });
    expect(await runCommand(train, ['--out', 'm', '--epochs', '13'])).toBe(1);
    expect(lines.err).toBe('The 13th epoch is refused.\n');
    lines.err = '';
    expect(await runCommand(train, ['--epoch', '1'])).toBe(2);
    expect(lines.err).toBe('There is no option --epoch.\n`npm run -s train -- --help` lists the options.\n');
  });

  test('--help is made from the table', async () => {
    const lines = said();
    expect(await runCommand(train, ['--out', 'm', '--help'])).toBe(0);
    expect(lines.out).toBe(`Learns.

npm run -s train -- --out <folder> [options]

  --out <folder>     where the model goes
  --epochs <n>       passes over the data (default 10)
  --images <file> …  pictures
  --data <file>[,…]  what to read (default a,b)
  --help             print this
`);
  });

  test('the first argument chooses among several', async () => {
    const lines = said();
    expect(await runOneOf([zeroShot], ['zero-shot'])).toBe(0);
    expect(await runOneOf([zeroShot], [])).toBe(2);
    expect(lines.err).toContain('npm run -s evaluate -- zero-shot …');
    expect(await runOneOf([zeroShot], ['--help'])).toBe(0);
    expect(lines.out).toContain('Ranks.');
    lines.err = '';
    expect(await runOneOf([zeroShot], ['zero-shot', '--x'])).toBe(2);
    expect(lines.err).toContain('`npm run -s evaluate -- zero-shot --help`');
  });
});

test('one argument may go without its name', () => {
  const positional = {
    source: { kind: 'text', value: 'file', positional: true, required: true, help: 'what to read' },
    out: { kind: 'text', value: 'folder', help: 'where it goes' },
  } as const satisfies OptionTable;
  expect(parseOptions(positional, ['--out', 'there', 'this.pt'])).toEqual({
    source: 'this.pt',
    out: 'there',
  });
  expect(parseOptions(positional, ['this.pt'])).toEqual({ source: 'this.pt', out: undefined });
  for (const [argv, message] of [
    [['--out', 'there'], '<file> is needed: what to read.'],
    [['this.pt', 'that.pt'], '"that.pt" belongs to no option.'],
    [['--source', 'this.pt'], 'There is no option --source.'],
  ] as const) {
    expect(() => parseOptions(positional, argv)).toThrow(message);
  }
  const reading = command({ name: 'read', summary: 'Reads.', options: positional, run: async () => {} });
  expect(reading.help()).toContain('npm run -s read -- <file> [options]');
});

test('runWhereMain runs the file that Node was started with, and only that', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'promptlens-arguments-'));
  try {
    const here = JSON.stringify(join(import.meta.dirname, 'arguments.ts'));
    await writeFile(
      join(folder, 'one.mts'),
      `import { command, runWhereMain } from ${here};
       const one = command({ name: 'one', summary: 'One.', options: {}, run: async () => { console.log('ran'); throw new Error('No.'); } });
       await runWhereMain(import.meta, one);`,
    );
    await writeFile(join(folder, 'two.mts'), `import './one.mts'; console.log('imported');`);
    const tsx = join(import.meta.dirname, '../../node_modules/.bin/tsx');
    const run = promisify(execFile);
    await expect(run(tsx, [join(folder, 'one.mts')])).rejects.toMatchObject({
      code: 1,
      stdout: 'ran\n',
      stderr: 'No.\n',
    });
    expect(await run(tsx, [join(folder, 'two.mts')])).toEqual({ stdout: 'imported\n', stderr: '' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

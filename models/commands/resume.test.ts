// A run that was stopped or killed goes on to the same bytes as one that was not, and what it was not begun with is refused.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { folderOfRuns, NETWORK, run } from './fixtures/small-runs.ts';
import { train } from './train.ts';

const { at, logOf, shortArguments } = folderOfRuns();

const WHOLE_RUN = 90;
const wholeRun = () => [
  ...['--train-data', at('shapes'), '--model', at('network.json'), '--batch-size', '12', '--threads', '2'],
  ...['--epochs', '10', '--held-out', '12', '--zeroshot-frequency', '4', '--save-frequency', '0.2'],
];
const LEFT = ['checkpoint.safetensors', 'config.json', 'model.safetensors', 'tokenizer.json'];

async function expectSameRun(one: string, other: string): Promise<void> {
  for (const file of LEFT) {
    const [a, b] = [await readFile(at(one, file)), await readFile(at(other, file))];
    expect(a.equals(b), file).toBe(true);
  }
}

beforeAll(() => run(train, ...wholeRun(), '--out', at('unstopped')), 180_000);

describe('a run that is stopped and resumed', () => {
  it('has the numbers of another with its seed, on several threads', async () => {
    await run(train, ...wholeRun(), '--out', at('again'));
    await expectSameRun('again', 'unstopped');
  }, 180_000);

  it.each([
    ['SIGINT', [1, null]],
    ['SIGKILL', [null, 'SIGKILL']],
  ] as const)(
    'by %s equals one that was not, byte for byte',
    async (signal, exit) => {
      const script = join(import.meta.dirname, 'train.ts');
      const argv = ['--import', 'tsx', script, ...wholeRun(), '--out', at(signal)];
      const stopped = spawn(process.execPath, argv);
      const ended = once(stopped, 'exit');
      const steps = async () =>
        (await logOf(signal).catch(() => [])).flatMap(({ type, step }) => (type === 'step' ? [step] : []));
      while ((await steps()).length < 5 && stopped.exitCode === null) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      stopped.kill(signal);
      expect(await ended).toEqual(exit);
      expect((await steps()).length).toBeLessThan(WHOLE_RUN);
      // As a write that was cut off leaves it.
      await writeFile(at(signal, '.checkpoint.safetensors.0.part'), 'half');
      await run(train, ...wholeRun(), '--out', at(signal), '--resume');
      expect(new Set(await steps()).size).toBe(WHOLE_RUN);
      expect((await readdir(at(signal))).filter((name) => name.endsWith('.part'))).toEqual([]);
      await expectSameRun(signal, 'unstopped');
    },
    180_000,
  );

  it('goes on from wherever its beginning was cut off', async () => {
    const beginning = [...shortArguments('shapes'), '--out', at('begun')];
    await run(train, ...beginning);
    const whole = await readFile(at('begun', 'model.safetensors'));
    // The files that are written before the first checkpoint alone: it begins anew.
    for (const file of ['checkpoint.safetensors', 'model.safetensors', 'config.json'])
      await rm(at('begun', file));
    await run(train, ...beginning);
    expect(await readFile(at('begun', 'model.safetensors'))).toEqual(whole);
    // Between that and config.json, the last: it goes on.
    const { text_config } = JSON.parse(await readFile(at('begun', 'config.json'), 'utf8'));
    for (const file of ['model.safetensors', 'config.json']) await rm(at('begun', file));
    await run(train, ...beginning, '--resume');
    expect(await readFile(at('begun', 'model.safetensors'))).toEqual(whole);
    expect(JSON.parse(await readFile(at('begun', 'config.json'), 'utf8')).text_config).toEqual(text_config);
  });
});

it('goes on where it stood, and says what does not fit', async () => {
  const goesOn = ['--out', at('unstopped'), '--resume'];
  const longer = wholeRun().map((word) => (word === '10' ? '11' : word));
  await expect(run(train, ...longer, ...goesOn)).rejects.toThrow(
    /checkpoint.safetensors cannot be resumed: it was written with --epochs 10, this run has 11\./,
  );
  const wider = { ...NETWORK, projection_dim: 24 };
  await writeFile(at('wider.json'), JSON.stringify(wider));
  const other = wholeRun().map((word) => (word === at('network.json') ? at('wider.json') : word));
  await expect(run(train, ...other, ...goesOn)).rejects.toThrow(
    `--model ${at('wider.json')} is another network than the one in ${at('unstopped', 'config.json')}`,
  );
  const before = await readFile(at('unstopped', 'model.safetensors'));
  await run(train, ...wholeRun(), ...goesOn);
  expect(await readFile(at('unstopped', 'model.safetensors'))).toEqual(before);
  await expect(run(train, '--train-data', at('nowhere'), '--out', at('x'))).rejects.toThrow(/nowhere/);
  await expect(run(train, '--train-data', at('shapes'), '--out', at('unstopped'))).rejects.toThrow(
    /--resume/,
  );
});

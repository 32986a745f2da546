import { expect, test } from 'vitest';
import { UsageError } from './arguments.ts';
import { csvColumns } from './data-options.ts';
import { retrieval } from './evaluate.ts';

const named = (separator?: string) =>
  csvColumns({ 'csv-img-key': 'path', 'csv-caption-key': 'text', 'csv-separator': separator });

test('columns by name, and a separator of one character', () => {
  expect(named()).toEqual({ image: 'path', caption: 'text', separator: undefined });
  expect(named(',').separator).toBe(',');
  expect(named('\\t').separator).toBe('\t');
  for (const separator of ['', ';;', '"', '\n', 'tab'])
    expect(() => named(separator)).toThrow(
      `--csv-separator is ${JSON.stringify(separator)}; expected one character`,
    );
});

test('rows are not measured several times over', async () => {
  const argv = ['--model', 'public/models/promptlens-mini', '--precision', 'q8', '--data', 'a,b*2'];
  await expect(retrieval.execute(argv)).rejects.toThrow(UsageError);
  await expect(retrieval.execute(argv)).rejects.toThrow('--data is a,b*2; rows are measured once each.');
});

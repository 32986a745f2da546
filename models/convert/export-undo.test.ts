// A disk that stops renaming in the middle of an export.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { writeFileWhole } from '../files/folder.ts';
import { exportModel } from './export.ts';
import { trainedFolder } from './fixtures/trained-folder.ts';

const disk = vi.hoisted(() => ({ fails: (_from: string, _to: string): boolean => false }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const rename = async (from: string, to: string) => {
    if (disk.fails(from, to)) throw new Error(`EIO: i/o error, rename '${from}'`);
    await real.rename(from, to);
  };
  return { ...real, rename };
});

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-undo-'));
  for (const [path, bytes] of await trainedFolder()) await writeFileWhole(join(folder, path), bytes);
  await writeFileWhole(join(folder, 'onnx', 'vision_model.onnx'), 'the only one');
});
afterEach(async () => {
  disk.fails = () => false;
  await rm(folder, { recursive: true });
});

const exported = () => exportModel(folder, { precisions: ['q8'], threads: 1 });
const stages = async () => (await readdir(folder)).filter((name) => name.startsWith('.export'));

test('puts back what it had moved where a file cannot take its place', async () => {
  const config = await readFile(join(folder, 'config.json'), 'utf8');
  disk.fails = (_, to) => to === join(folder, 'selftest.json');
  await expect(exported()).rejects.toThrow(
    /could not be written: EIO: i\/o error, rename .*\. It is as it was\.$/,
  );
  expect(await readFile(join(folder, 'onnx', 'vision_model.onnx'), 'utf8')).toBe('the only one');
  expect(await readFile(join(folder, 'config.json'), 'utf8')).toBe(config);
  expect(await stages()).toEqual([]);
});

test('keeps what it cannot put back, says where that is, and puts back the rest', async () => {
  const config = await readFile(join(folder, 'config.json'), 'utf8');
  disk.fails = (from, to) => to === join(folder, 'selftest.json') || basename(from) === 'onnx.before';
  const refused = exported();
  await expect(refused).rejects.toThrow(
    /selftest\.json'\. Nor could all be put back: EIO: .*onnx\.before'\. What was there before lies in .*\.export-[\w-]+, each name with \.before behind it: move it back/,
  );
  const [stage] = await stages();
  await expect(refused).rejects.toThrow(join(folder, stage));
  expect(await readFile(join(folder, stage, 'onnx.before', 'vision_model.onnx'), 'utf8')).toBe(
    'the only one',
  );
  expect(await readFile(join(folder, 'config.json'), 'utf8')).toBe(config);
});

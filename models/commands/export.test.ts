import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { trainedFolder } from '../convert/fixtures/trained-folder.ts';
import { writeFileWhole } from '../files/folder.ts';
import { exportCommand } from './export.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-export-'));
  for (const [path, bytes] of await trainedFolder()) await writeFileWhole(join(folder, path), bytes);
});
afterEach(() => rm(folder, { recursive: true }));

test('prints a line for each precision', async () => {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((text) => lines.push(text));
  await exportCommand.execute(['--model', folder, '--precision', 'q8,fp32', '--threads', '1']);
  log.mockRestore();
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^fp32 +\d{2,3},\d{3} +1\.0000/);
  expect(lines[2]).toMatch(/^q8 +\d{2,3},\d{3} +0\.99/);
});

test('refuses a precision that it cannot make', async () => {
  await expect(exportCommand.execute(['--model', folder, '--precision', 'bnb4'])).rejects.toThrow(
    'encoders in bnb4 are not made here, those in fp32, fp16, q8, q4, q4f16 are. Name some of these in --precision.',
  );
});

test('names a picture that it cannot read', async () => {
  const missing = join(folder, 'gone.jpg');
  const exported = (images: string) => exportCommand.execute(['--model', folder, '--images', images]);
  await expect(exported(missing)).rejects.toThrow(
    `${missing} could not be read: it is not there. Name pictures`,
  );
  await expect(exported(folder)).rejects.toThrow(`${folder} could not be read: it is a folder, not a file.`);
});

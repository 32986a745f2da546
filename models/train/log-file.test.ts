import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openLogFile } from './log-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-log-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('is made at the first write, and adds to what is there', async () => {
  const path = join(folder, 'run', 'log.jsonl');
  const file = openLogFile(path);
  expect(existsSync(join(folder, 'run'))).toBe(false);
  file.write('one\n');
  file.close();
  file.write(Uint8Array.of(50, 10));
  file.close();
  expect(await readFile(path, 'utf8')).toBe('one\n2\n');
});

it('that cannot be written is told of once, and nothing is thrown', async () => {
  const told = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  await writeFile(join(folder, 'taken'), '');
  const path = join(folder, 'taken', 'log.jsonl');
  const file = openLogFile(path);
  file.write('one\n');
  file.write('two\n');
  file.close();
  expect(told).toHaveBeenCalledExactlyOnceWith(
    expect.stringMatching(/log\.jsonl is no longer written: E[A-Z]+: .* The run goes on\.$/),
  );
  told.mockRestore();
});

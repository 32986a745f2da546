import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { directorySource, writeFileWhole } from './folder.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-folder-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('directorySource', () => {
  beforeEach(async () => {
    await mkdir(join(folder, 'onnx'));
    await mkdir(join(folder, '.git'));
    await writeFile(join(folder, '.git', 'HEAD'), 'x');
    await writeFile(join(folder, 'onnx', 'vision_model.onnx'), '0123456789');
    await writeFile(join(folder, 'config.json'), '{}');
    await symlink(join(folder, 'config.json'), join(folder, 'linked.json'));
    await symlink(join(folder, 'nowhere'), join(folder, 'dangling.json'));
  });

  test('lists files by plain path and size, without hidden ones', async () => {
    expect(await directorySource(folder).list()).toEqual([
      { path: 'config.json', bytes: 2 },
      { path: 'linked.json', bytes: 2 },
      { path: 'onnx/vision_model.onnx', bytes: 10 },
    ]);
  });

  test('names the model as its folder is named, however that is written', () => {
    for (const written of [folder, `${folder}/`, `${folder}/onnx/..`])
      expect(directorySource(written)).toMatchObject({ name: written, modelName: basename(folder) });
    expect(directorySource('.').modelName).toBe(basename(process.cwd()));
  });

  test('reads whole files and ranges', async () => {
    const source = directorySource(`${folder}/`);
    expect(await source.read('config.json')).toEqual(new Uint8Array([0x7b, 0x7d]));
    const range = await source.readRange('onnx/vision_model.onnx', 3, 6);
    expect(new TextDecoder().decode(range)).toBe('345');
  });

  test('says which file of which folder is missing or too short', async () => {
    const source = directorySource(folder);
    await expect(source.read('tokenizer.json')).rejects.toThrow(
      `The folder ${folder} has no readable tokenizer.json`,
    );
    await expect(source.readRange('tokenizer.json', 0, 1)).rejects.toThrow('no readable tokenizer.json');
    await expect(source.readRange('config.json', 0, 8)).rejects.toThrow(/config\.json ends at byte 2/);
    await expect(directorySource(join(folder, 'gone')).list()).rejects.toThrow(/gone does not exist\.$/);
    await expect(directorySource(join(folder, 'config.json')).list()).rejects.toThrow(/is a file/);
  });

  test.each(['../secret', 'onnx/../../secret', '/etc/passwd', ''])('refuses the path %j', async (path) => {
    await expect(directorySource(folder).read(path)).rejects.toThrow(/not a plain path inside the folder/);
  });
});

describe('writeFileWhole', () => {
  test('replaces a file, makes folders, leaves nothing else', async () => {
    const path = join(folder, 'a', 'b', 'model.bin');
    await writeFileWhole(path, 'one');
    await writeFileWhole(path, new Uint8Array([116, 119, 111]));
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['model.bin']);
  });

  test('keeps what was there where writing fails', async () => {
    const path = join(folder, 'taken');
    await mkdir(path);
    await writeFile(join(path, 'kept'), 'kept');
    await expect(writeFileWhole(path, 'new')).rejects.toThrow(/taken could not be written/);
    expect(await readdir(folder)).toEqual(['taken']);
    expect(await readFile(join(path, 'kept'), 'utf8')).toBe('kept');
  });
});

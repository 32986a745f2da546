import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Files, tinyModel, withManifest } from '../clip/fixtures/tiny-model.ts';
import { readModelFolder } from '../clip/model-folder.ts';
import { directorySource, writeFileWhole } from '../files/folder.ts';
import { exportModel } from './export.ts';
import { trainedFolder } from './fixtures/trained-folder.ts';
import { shipModel } from './ship.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'promptlens-ship-'));
});
afterEach(() => rm(root, { recursive: true }));

it('copies what the page downloads, and leaves no precision of an earlier model', async () => {
  const [from, to] = [join(root, 'run'), join(root, 'shipped')];
  for (const [path, bytes] of await trainedFolder()) await writeFileWhole(join(from, path), bytes);
  await exportModel(from, { precisions: ['fp16', 'q8'], combined: true, threads: 1 });
  await writeFileWhole(join(to, 'README.md'), 'The card.');
  await writeFileWhole(join(to, 'onnx', 'text_model.onnx'), 'old');

  await shipModel(from, to);
  const folder = await readModelFolder(directorySource(to));
  expect(folder.precisions).toEqual(['fp16', 'q8']);
  expect(folder.manifest).toEqual((await readModelFolder(directorySource(from))).manifest);
  expect((await readdir(join(to, 'onnx'))).sort()).toEqual([
    'text_model_fp16.onnx',
    'text_model_quantized.onnx',
    'vision_model_fp16.onnx',
    'vision_model_quantized.onnx',
  ]);
  expect(await readdir(to)).not.toContain('model.safetensors');
  expect(await readFile(join(to, 'README.md'), 'utf8')).toBe('The card.');
});

it.each<[string, (described: Files) => Files | Promise<Files>]>([
  ['it has no manifest.json', (described) => described],
  ['its manifest.json lists no encoders', withManifest],
])('says what to do where %s', async (reason, listed) => {
  const [from, to] = [join(root, 'run'), join(root, 'shipped')];
  const model = await tinyModel();
  const described = new Map([...model].filter(([path]) => !path.startsWith('onnx/')));
  for (const [path, bytes] of [...model, ...(await listed(described))])
    await writeFileWhole(join(from, path), bytes);
  const refused = shipModel(from, to);
  await expect(refused).rejects.toThrow(`${from} was not copied to ${to}: ${reason}, and`);
  await expect(refused).rejects.toThrow(`\`npm run -s export -- --model ${from}\` makes it.`);
  expect(await readdir(root)).toEqual(['run']);
});

it('ships no file that differs from its manifest', async () => {
  const from = join(root, 'run');
  for (const [path, bytes] of await trainedFolder()) await writeFileWhole(join(from, path), bytes);
  await exportModel(from, { precisions: ['q8'], threads: 1 });
  const encoder = join(from, 'onnx', 'text_model_quantized.onnx');
  const sound = await readFile(encoder);
  await writeFile(encoder, sound.fill(sound[9] ^ 1, 9, 10));
  await expect(shipModel(from, join(root, 'shipped'))).rejects.toThrow(
    `The folder ${from} was refused: onnx/text_model_quantized.onnx is damaged or of another version: its SHA-256 is`,
  );
  await writeFile(join(from, 'tokenizer_config.json'), '{}');
  await expect(shipModel(from, join(root, 'shipped'))).rejects.toThrow('tokenizer_config.json');
});

it('takes nothing out of the folder that it ships', async () => {
  const from = join(root, 'run');
  await writeFileWhole(join(from, 'onnx', 'model.onnx'), 'both');
  await symlink(from, join(root, 'linked'));
  for (const to of [from, join(root, 'linked'), `${from}/../run`]) {
    await expect(shipModel(from, to)).rejects.toThrow(`${to} is the model's own folder`);
  }
  expect(await readdir(join(from, 'onnx'))).toEqual(['model.onnx']);
});

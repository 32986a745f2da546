import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { json } from '../clip/fixtures/tiny-model.ts';
import { readModelFolder } from '../clip/model-folder.ts';
import { cosine } from '../clip/ranking.ts';
import { parseSelfTest, selfTestImage } from '../clip/selftest.ts';
import { directorySource, writeFileWhole } from '../files/folder.ts';
import { type ExportPrecision, exportModel } from './export.ts';
import { trainedFolder } from './fixtures/trained-folder.ts';
import { openReference } from './reference.ts';
import { shipModel } from './ship.ts';
import { readPretrainedFolder } from './trained-folder.ts';

let root = '';
let written = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'promptlens-trained-folder-'));
});
afterAll(() => rm(root, { recursive: true }));

const newFolder = () => join(root, String(written++));

/** What a page is given of a trained folder. */
async function shipped(precisions: readonly ExportPrecision[]): Promise<string> {
  const [trained, to] = [newFolder(), newFolder()];
  for (const [path, bytes] of await trainedFolder()) await writeFileWhole(join(trained, path), bytes);
  await exportModel(trained, { precisions, threads: 1 });
  await shipModel(trained, to);
  return to;
}

/** The least cosine of the network that can be trained on with the vectors of the folder's self-test. */
async function agreement(path: string, precision: ExportPrecision): Promise<number> {
  const { config, weights } = await readPretrainedFolder(path);
  const network = await openReference(config, weights, await readModelFolder(directorySource(path)), 1);
  const { image, prompt, vectors } = parseSelfTest(await readJson(join(path, 'selftest.json')), path);
  const found = [
    await network.embedImages([selfTestImage(image)]),
    await network.embedTexts([prompt]),
  ].flat();
  await network.close();
  const expected = [vectors[precision]?.image_embeds ?? [], vectors[precision]?.text_embeds ?? []];
  return Math.min(...expected.map((vector, i) => cosine(Float32Array.from(vector), found[i])));
}

const readJson = async (path: string) => JSON.parse(await readFile(path, 'utf8'));

describe('readPretrainedFolder, of a folder without model.safetensors', () => {
  test('takes fp32 before fp16', async () => {
    expect(await agreement(await shipped(['fp32', 'fp16', 'q8']), 'fp32')).toBeGreaterThan(0.9999999);
  });

  test('takes fp16 where fp32 has one encoder alone', async () => {
    const folder = await shipped(['fp32', 'fp16']);
    await rm(join(folder, 'onnx/text_model.onnx'));
    const { weights } = await readPretrainedFolder(folder);
    expect(weights.get('text_projection.weight')).toBeDefined();
  });

  test('reads the model that the repository carries', async () => {
    expect(await agreement('public/models/promptlens-mini', 'fp16')).toBeGreaterThan(0.99999);
  });

  test('refuses q8 alone', async () => {
    await expect(readPretrainedFolder(await shipped(['q8']))).rejects.toThrow(
      /no weights to start from: .* those in q8 are rounded too coarsely .* Export the model with --precision fp16/,
    );
  });

  test('refuses a folder without encoders', async () => {
    const folder = newFolder();
    await writeFileWhole(join(folder, 'config.json'), json({ model_type: 'clip' }));
    await expect(readPretrainedFolder(folder)).rejects.toThrow(
      /neither model\.safetensors nor encoders in fp32 or fp16 were found\. /,
    );
  });

  test('refuses another network, a missing scale and a damaged file', async () => {
    const folder = await shipped(['fp16']);
    const configPath = join(folder, 'config.json');
    const config = await readJson(configPath);
    const { logit_scale: _, ...scaleless } = config;
    const wider = { ...config, text_config: { ...config.text_config, vocab_size: 1000 } };
    const refuses = async (changed: object, reason: RegExp) => {
      await writeFileWhole(configPath, json(changed));
      await expect(readPretrainedFolder(folder)).rejects.toThrow(reason);
    };
    await refuses(
      wider,
      /text_model_fp16\.onnx was refused: constant \d+ .* is \[.*; export writes \[1000, 32\]/,
    );
    const huge = { ...config.text_config, hidden_size: 65_536, intermediate_size: 65_536 };
    await refuses(
      { ...config, text_config: huge },
      /text_model_fp16\.onnx was refused: it has \d+ bytes, and the network of config\.json \d+ parameters\.$/,
    );
    await refuses(scaleless, /config\.json was refused: it has no logit_scale/);
    await writeFileWhole(join(folder, 'onnx/text_model_fp16.onnx'), new Uint8Array([8, 9, 58, 255]));
    await refuses(
      config,
      /text_model_fp16\.onnx was refused: byte 3 begins a number, and the file ends at 4; it looks cut off/,
    );
  });
});

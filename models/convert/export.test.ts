import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encoderPath } from '../clip/encoder-files.ts';
import { exportersFolder } from '../clip/fixtures/exporters-folder.ts';
import { type Files, json, withJson } from '../clip/fixtures/tiny-model.ts';
import { parseManifest, verifyFile } from '../clip/manifest.ts';
import { readModelFolder } from '../clip/model-folder.ts';
import { preprocess } from '../clip/preprocess.ts';
import { cosine } from '../clip/ranking.ts';
import { checkSelfTest, parseSelfTest, selfTestImage } from '../clip/selftest.ts';
import { directorySource, writeFileWhole } from '../files/folder.ts';
import { openModel } from '../inference/model.ts';
import type { StoredTensor } from '../networks/weights.ts';
import { EXPORT_PRECISIONS, exportModel } from './export.ts';
import { LOG_SCALE, trainedFolder } from './fixtures/trained-folder.ts';
import type { Measured } from './measure.ts';

let root = '';
let trained: Files;
let written = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'promptlens-export-'));
  trained = await trainedFolder();
});
afterAll(() => rm(root, { recursive: true }));

async function folderOf(files: Files): Promise<string> {
  const folder = join(root, String(written++));
  for (const [path, bytes] of files) await writeFileWhole(join(folder, path), bytes);
  return folder;
}

/** Every file of a folder, hidden ones included. */
async function contentOf(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(files.sort().map(async (file) => [file, await readFile(file, 'hex')] as const)),
  );
}

const readJson = async (path: string) => JSON.parse(await readFile(path, 'utf8'));

/** Two large numbers of every token cancel and are passed over by all norms: one scale a row leaves the others no levels. */
function spoil(name: string, { shape, data }: StoredTensor) {
  if (/^text_model\..*norm\d?\.weight$/.test(name)) data.set([0, 0]);
  if (!name.endsWith('token_embedding.weight')) return;
  for (let row = 0; row < shape[0]; row++) data.set([60, -60], row * shape[1]);
}

describe('exportModel', () => {
  let folder = '';
  let measured: readonly Measured[];
  beforeAll(async () => {
    const stale = new Map(trained).set('onnx/vision_model_bnb4.onnx', new Uint8Array(3));
    folder = await folderOf(stale);
    // In 4 bits random weights are not near enough; a trained network's are.
    measured = await exportModel(folder, {
      precisions: EXPORT_PRECISIONS,
      combined: true,
      threads: 1,
      force: true,
    });
  });

  test('makes a folder that reads as a model, and nothing else', async () => {
    const { precisions, manifest, logitScale } = await readModelFolder(directorySource(folder));
    expect(precisions).toEqual(['fp32', 'fp16', 'q8', 'q4', 'q4f16']);
    expect(logitScale).toBeCloseTo(25, 4);
    expect(manifest?.files.map(({ path }) => path)).toEqual([
      'config.json',
      'onnx/text_model.onnx',
      'onnx/text_model_fp16.onnx',
      'onnx/text_model_q4.onnx',
      'onnx/text_model_q4f16.onnx',
      'onnx/text_model_quantized.onnx',
      'onnx/vision_model.onnx',
      'onnx/vision_model_fp16.onnx',
      'onnx/vision_model_q4.onnx',
      'onnx/vision_model_q4f16.onnx',
      'onnx/vision_model_quantized.onnx',
      'preprocessor_config.json',
      'selftest.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const combined = ['', '_fp16', '_quantized', '_q4', '_q4f16'].map((suffix) => `onnx/model${suffix}.onnx`);
    const all = [
      ...(manifest?.files ?? []).map(({ path }) => path),
      ...combined,
      'manifest.json',
      'model.safetensors',
    ];
    expect([...(await contentOf(folder)).keys()]).toEqual(all.map((path) => join(folder, path)).sort());
  });

  test('lists every file with its bytes and hash', async () => {
    const manifest = parseManifest(
      new Uint8Array(await readFile(join(folder, 'manifest.json'))),
      'manifest.json',
    );
    for (const { path } of manifest.files) {
      await verifyFile(path, new Uint8Array(await readFile(join(folder, path))), manifest);
    }
  });

  test('measures each precision against the trained network', () => {
    expect(measured.map(({ precision }) => precision)).toEqual(EXPORT_PRECISIONS);
    const [fp32, fp16, q8, q4] = measured;
    for (const { image, text } of [fp32, fp16]) {
      expect(Math.min(image.min, text.min)).toBeGreaterThan(0.99999);
      expect(image.mean).toBeGreaterThanOrEqual(image.min);
    }
    expect(Math.min(q8.image.min, q8.text.min)).toBeGreaterThan(0.99);
    expect(Math.max(q8.image.mean, q8.text.mean)).toBeLessThan(0.999999);
    expect(fp16.bytes).toBeLessThan(0.8 * fp32.bytes);
    expect(q4.bytes).toBeLessThan(q8.bytes);
    expect(Math.min(q4.image.min, q4.text.min)).toBeGreaterThan(0.9);
    for (const { millisecondsPerPicture } of measured) expect(millisecondsPerPicture).toBeGreaterThan(0);
  });

  test.each(EXPORT_PRECISIONS)('the self-test passes in %s', async (precision) => {
    const selfTest = parseSelfTest(await readJson(join(folder, 'selftest.json')), 'selftest.json');
    const model = await openModel(folder, { precision, threads: 1 });
    const [image] = await model.embedImages([selfTestImage(selfTest.image)]);
    const [text] = await model.embedTexts([selfTest.prompt]);
    await model.close();
    expect(checkSelfTest(selfTest, precision, image, text)).toBeGreaterThan(0.99999);
  });

  test.each(EXPORT_PRECISIONS)('the combined graph in %s ranks as the encoders do', async (precision) => {
    const model = await openModel(folder, { precision, threads: 1 });
    const pictures = [3, 4, 5].map((seed) =>
      selfTestImage({ recipe: 'gradient-noise', seed, width: 40, height: 33 }),
    );
    const texts = ['a photo of a cat.', 'people riding horses'];
    const pixels = new Float32Array(3 * 3 * 32 * 32);
    for (const [i, picture] of pictures.entries())
      preprocess(picture, model.preprocessing, pixels, i * 3 * 32 * 32);
    const { input_ids, attention_mask, dims } = model.tokenizer.encodeBatch(texts);
    const [imageVectors, textVectors] = [await model.embedImages(pictures), await model.embedTexts(texts)];
    await model.close();

    const combined = encoderPath('vision_model', precision).replace('vision_model', 'model');
    const session = await InferenceSession.create(join(folder, combined), {
      intraOpNumThreads: 1,
    });
    expect([...session.inputNames].sort()).toEqual(['attention_mask', 'input_ids', 'pixel_values']);
    const outputs = await session.run({
      pixel_values: new Tensor('float32', pixels, [3, 3, 32, 32]),
      input_ids: new Tensor('int64', input_ids, dims),
      attention_mask: new Tensor('int64', attention_mask, dims),
    });
    const values = (name: string) => [...(outputs[name].data as Float32Array)];
    expect(outputs.logits_per_image.dims).toEqual([3, 2]);
    expect(outputs.logits_per_text.dims).toEqual([2, 3]);
    for (const [i, image] of imageVectors.entries()) {
      expect(
        cosine(image, Float32Array.from(values('image_embeds').slice(i * 32, (i + 1) * 32))),
      ).toBeCloseTo(1, 5);
      for (const [t, text] of textVectors.entries()) {
        expect(values('logits_per_image')[i * 2 + t]).toBeCloseTo(25 * cosine(image, text), 3);
        expect(values('logits_per_text')[t * 3 + i]).toBe(values('logits_per_image')[i * 2 + t]);
      }
    }
  });
});

test('writes only the precisions that are asked for, and replaces those of before', async () => {
  const folder = await folderOf(trained);
  await exportModel(folder, { precisions: ['fp32'], threads: 1 });
  await exportModel(folder, { precisions: ['q8'], threads: 1 });
  expect(await readdir(join(folder, 'onnx'))).toEqual([
    'text_model_quantized.onnx',
    'vision_model_quantized.onnx',
  ]);
  expect(Object.keys((await readJson(join(folder, 'selftest.json'))).vectors)).toEqual(['q8']);
});

test('puts the trained scale and whose class the weights are for into config.json, beside fields that are not ours', async () => {
  const folder = await folderOf(
    withJson(trained, 'config.json', {
      logit_scale: 1,
      architectures: undefined,
      'transformers.js_config': { dtype: 'q8' },
    }),
  );
  await exportModel(folder, { precisions: ['q8'], threads: 1 });
  expect(await readJson(join(folder, 'config.json'))).toMatchObject({
    logit_scale: LOG_SCALE,
    architectures: ['CLIPModel'],
    'transformers.js_config': { dtype: 'q8' },
    model_type: 'clip',
  });
});

describe("a folder with another exporter's encoders and no weights", () => {
  const suffixes = { vision: ['', '_fp16', '_quantized'], text: ['', '_fp16', '_quantized'] };

  test('gets its self-test and its manifest, and keeps all that it had', async () => {
    const folder = await folderOf(exportersFolder({ suffixes }));
    const before = await contentOf(folder);
    const measured = await exportModel(folder, { precisions: ['fp16', 'q8'], threads: 1 });
    expect(measured.map(({ precision, image, text }) => [precision, image.min, text.min])).toEqual([
      ['fp16', expect.closeTo(1, 6), expect.closeTo(1, 6)],
      ['q8', expect.closeTo(1, 6), expect.closeTo(1, 6)],
    ]);
    const after = await contentOf(folder);
    for (const [file, bytes] of before) expect(after.get(file)).toBe(bytes);
    const added = [...after.keys()].filter((file) => !before.has(file));
    expect(added).toEqual(['manifest.json', 'selftest.json'].map((file) => join(folder, file)));
    // What its manifest leaves out, a page does not download.
    const { manifest } = await readModelFolder(directorySource(folder));
    expect(manifest?.files.map(({ path }) => path).filter((path) => path.startsWith('onnx/'))).toEqual(
      ['text_model_fp16', 'text_model_quantized', 'vision_model_fp16', 'vision_model_quantized'].map(
        (name) => `onnx/${name}.onnx`,
      ),
    );
    const selfTest = parseSelfTest(await readJson(join(folder, 'selftest.json')), 'selftest.json');
    const model = await openModel(folder, { precision: 'q8', threads: 1 });
    const [image] = await model.embedImages([selfTestImage(selfTest.image)]);
    const [text] = await model.embedTexts([selfTest.prompt]);
    await model.close();
    expect(checkSelfTest(selfTest, 'q8', image, text)).toBeGreaterThan(0.99999);
    // Again, although the manifest that is there now does not list fp32.
    await exportModel(folder, { precisions: ['fp32'], threads: 1 });
  });

  test('is as large as its graphs and the weights beside them', async () => {
    const files = new Map(exportersFolder({ suffixes }));
    const data = 'onnx/vision_model_fp16.onnx_data';
    const folder = await folderOf(files.set(data, new Uint8Array(1000)));
    const [{ bytes }] = await exportModel(folder, { precisions: ['fp16'], threads: 1 });
    const parts = ['onnx/vision_model_fp16.onnx', data, 'onnx/text_model_fp16.onnx'];
    expect(bytes).toBe(parts.reduce((sum, path) => sum + (files.get(path)?.length ?? 0), 0));
  });

  test('is refused in a precision that strays from the best one, or that is not there', async () => {
    const folder = await folderOf(
      new Map(exportersFolder({ suffixes })).set(
        'onnx/text_model_quantized.onnx',
        exportersFolder({ ids: ['batch', 'sequence'] }).get('onnx/text_model.onnx') ?? new Uint8Array(),
      ),
    );
    const before = await contentOf(folder);
    await expect(exportModel(folder, { precisions: ['fp16', 'q8'], threads: 1 })).rejects.toThrow(
      /mean cosine of q8 with its best encoders is below 0\.98\. Leave it out of --precision/,
    );
    await expect(exportModel(folder, { precisions: ['fp32', 'q4'], threads: 1 })).rejects.toThrow(
      /has no encoders in q4, and no model\.safetensors to make them of; it has fp32, fp16, q8\./,
    );
    await expect(exportModel(folder, { precisions: ['fp32'], combined: true })).rejects.toThrow(
      /Leave --combined out/,
    );
    expect(await contentOf(folder)).toEqual(before);
  });
});

test('refuses a precision that is another model, and writes it by force', async () => {
  const folder = await folderOf(await trainedFolder(spoil));
  await exportModel(folder, { precisions: ['fp32'], threads: 1 });
  const before = await contentOf(folder);
  const seen: Measured[] = [];
  const options = {
    precisions: ['fp32', 'q8'],
    threads: 1,
    onMeasured: (row: Measured) => seen.push(row),
  } as const;
  await expect(exportModel(folder, options)).rejects.toThrow(
    /mean cosine of q8 .* is below 0\.98\. Leave it out/,
  );
  expect(seen[1].text.mean).toBeLessThan(0.98);
  expect(await contentOf(folder)).toEqual(before);
  await exportModel(folder, { ...options, force: true });
  expect((await readModelFolder(directorySource(folder))).precisions).toEqual(['fp32', 'q8']);
});

test('leaves the folder as it was where it is interrupted', async () => {
  const folder = await folderOf(trained);
  const before = await contentOf(folder);
  for (const precisions of [['fp32'], ['fp32', 'q8']] as const) {
    const interrupted = new AbortController();
    const onMeasured = () => interrupted.abort(new Error('Interrupted.'));
    const options = { precisions, threads: 1, signal: interrupted.signal, onMeasured };
    await expect(exportModel(folder, options)).rejects.toThrow('Interrupted.');
    expect(await contentOf(folder)).toEqual(before);
    expect(await readdir(folder)).not.toContainEqual(expect.stringContaining('.export'));
  }
});

describe('a folder that cannot be exported is refused with a sentence, and is as it was', () => {
  const without = (path: string) => new Map([...trained].filter(([name]) => name !== path));
  test.each<[string, () => Files | Promise<Files>, RegExp]>([
    [
      'no weights',
      () => without('model.safetensors'),
      /model\.safetensors could not be read: it is not there/,
    ],
    ['no config', () => without('config.json'), /config\.json could not be read/],
    ['no tokenizer', () => without('tokenizer.json'), /tokenizer\.json was refused/],
    [
      'weights that are cut off',
      () =>
        new Map(trained).set(
          'model.safetensors',
          (trained.get('model.safetensors') ?? new Uint8Array()).slice(0, -9),
        ),
      /model\.safetensors was refused: .*cut off/,
    ],
    [
      'another network',
      () => {
        const config = JSON.parse(new TextDecoder().decode(trained.get('config.json')));
        config.vision_config.hidden_size = 64;
        return new Map(trained).set('config.json', json(config));
      },
      /model\.safetensors holds vision_model\..* in the shape .*; config\.json asks for/,
    ],
    [
      'a weight that is no number',
      () => trainedFolder((name, { data }) => name === 'visual_projection.weight' && data.fill(Number.NaN)),
      /value 0 of visual_projection\.weight is NaN/,
    ],
    [
      'a scale that is no number',
      () => trainedFolder((name, { data }) => name === 'logit_scale' && data.fill(Number.NaN)),
      /logit_scale is NaN; a finite number was expected/,
    ],
  ])('%s', async (_, files, reason) => {
    const folder = await folderOf(await files());
    const before = await contentOf(folder);
    await expect(exportModel(folder, { precisions: ['fp32'], threads: 1 })).rejects.toThrow(reason);
    expect(await contentOf(folder)).toEqual(before);
  });
});

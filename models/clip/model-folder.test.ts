import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { directorySource } from '../files/folder.ts';
import { encoderFiles, encoderPath, PRECISIONS } from './encoder-files.ts';
import { exportersFolder, SEQUENCE, SIDE } from './fixtures/exporters-folder.ts';
import {
  type Files,
  json,
  memorySource,
  tinyModel,
  withCheckpoint,
  withJson,
  withManifest,
} from './fixtures/tiny-model.ts';
import { readModelFolder } from './model-folder.ts';

const PUBLISHED = join(import.meta.dirname, '../../../shared/clip-tokenizer');

let files: Files;
beforeAll(async () => {
  files = await tinyModel();
});

const open = (changed: Files) => readModelFolder(memorySource(changed));
const without = (path: string, from = files) => new Map([...from].filter(([name]) => name !== path));
const part = (path: string, of: Files, name: string) =>
  JSON.parse(new TextDecoder().decode(of.get(path)))[name];

describe('readModelFolder', () => {
  test('reads what a folder states, and none of the encoders', async () => {
    const source = memorySource(files);
    const folder = await readModelFolder(source);
    expect(folder.name).toBe('tiny');
    const windows = { ...memorySource(files, 'C:\\models\\tiny'), modelName: 'tiny' };
    expect((await readModelFolder(windows)).name).toBe('tiny');
    expect(folder.precisions).toEqual(['fp32']);
    expect(folder.logitScale).toBeCloseTo(20, 10);
    expect(folder.tokenizer.contextLength).toBe(16);
    expect(folder.preprocessing.crop).toEqual({ width: 32, height: 32 });
    expect(folder.config.projection_dim).toBe(32);
    expect(folder.manifest).toBeNull();
    expect(source.wholeReads.filter((path) => path.startsWith('onnx/'))).toEqual([]);
    expect(await folder.read('onnx/text_model.onnx')).toBe(files.get('onnx/text_model.onnx'));
  });

  test('finds every precision of which both encoders are there', async () => {
    const many = new Map(files);
    for (const precision of PRECISIONS) {
      for (const encoder of ['vision_model', 'text_model'] as const) {
        many.set(encoderPath(encoder, precision), new Uint8Array(1));
      }
    }
    many.delete('onnx/text_model_q4.onnx');
    const folder = await open(many);
    expect(folder.precisions).toEqual(['fp32', 'fp16', 'q8', 'int8', 'uint8', 'q4f16', 'bnb4']);
  });

  test('names external data with its graph', async () => {
    const external = new Map(files).set('onnx/vision_model.onnx_data', new Uint8Array(7));
    external.set('onnx/vision_model_fp16.onnx_data', new Uint8Array(3));
    expect(
      encoderFiles((await open(external)).files, 'vision_model', 'fp32').map(({ path }) => path),
    ).toEqual(['onnx/vision_model.onnx', 'onnx/vision_model.onnx_data']);
  });

  describe('logit scale', () => {
    const plain = () => withJson(files, 'config.json', { logit_scale: undefined });

    test("from the checkpoint's header where config.json has none, without reading the rest", async () => {
      const source = memorySource(withCheckpoint(plain(), Math.log(50)));
      expect((await readModelFolder(source)).logitScale).toBeCloseTo(50, 4);
      expect(source.wholeReads).not.toContain('model.safetensors');
    });
    test("config.json's own wins", async () => {
      expect((await open(withCheckpoint(files, Math.log(50)))).logitScale).toBeCloseTo(20, 10);
    });
    test('is 100 where nobody knows, and never more', async () => {
      expect((await open(plain())).logitScale).toBe(100);
      expect((await open(withCheckpoint(plain(), 6))).logitScale).toBe(100);
    });
    test('a damaged checkpoint is refused', async () => {
      await expect(open(withCheckpoint(plain(), Number.NaN))).rejects.toThrow(
        /safetensors, logit_scale was refused: .*NaN/,
      );
      await expect(open(withCheckpoint(plain(), -1000))).rejects.toThrow(
        /safetensors, logit_scale was refused: .*-1000/,
      );
      await expect(open(withCheckpoint(plain(), 3, [2]))).rejects.toThrow(
        /safetensors was refused: its logit_scale is F32 \[2\]; a single/,
      );
      const cut = withCheckpoint(plain(), 3);
      cut.set('model.safetensors', cut.get('model.safetensors')?.slice(0, 40) ?? new Uint8Array());
      await expect(open(cut)).rejects.toThrow(/models\/tiny\/model\.safetensors was refused/);
    });
  });

  describe("the field's legacies pass", () => {
    test("CLIP's own bos 0 and eos 2", async () => {
      const text_config = { ...part('config.json', files, 'text_config'), bos_token_id: 0, eos_token_id: 2 };
      expect(
        (await open(withJson(files, 'config.json', { text_config }))).tokenizer.eosTokenId,
      ).toBeGreaterThan(2);
    });
    test('a tokenizer without a limit, or without its config', async () => {
      const unlimited = withJson(files, 'tokenizer_config.json', { model_max_length: 1e30 });
      expect((await open(unlimited)).tokenizer.contextLength).toBe(16);
      expect((await open(without('tokenizer_config.json'))).tokenizer.contextLength).toBe(16);
    });
    test('a tokenizer that cuts earlier than the model could read', async () => {
      const short = withJson(files, 'tokenizer_config.json', { model_max_length: 12 });
      expect((await open(short)).tokenizer.contextLength).toBe(12);
    });
    test('vocab.json and merges.txt', async () => {
      const model = part('tokenizer.json', files, 'model');
      const old = without('tokenizer_config.json', without('tokenizer.json'));
      const lines = model.merges.map((merge: string | string[]) =>
        typeof merge === 'string' ? merge : merge.join(' '),
      );
      old
        .set('vocab.json', json(model.vocab))
        .set('merges.txt', new TextEncoder().encode(['#version: 0.2', ...lines, ''].join('\n')));
      const [now, then] = [await open(files), await open(old)];
      expect(then.tokenizer.encode('a photo of a cat')).toEqual(now.tokenizer.encode('a photo of a cat'));
    });
    test.skipIf(!existsSync(PUBLISHED))(
      "openai/clip-vit-base-patch32's own files (needs ../shared)",
      async () => {
        const published: Files = new Map([
          ['onnx/vision_model_quantized.onnx', new Uint8Array(1)],
          ['onnx/text_model_quantized.onnx', new Uint8Array(1)],
        ]);
        const { list, read } = directorySource(PUBLISHED);
        for (const { path } of await list()) published.set(path, await read(path));
        const folder = await open(published);
        expect(folder.precisions).toEqual(['q8']);
        expect(folder.logitScale).toBe(100);
        expect(folder.tokenizer.encode('a photo of a cat').ids).toEqual([
          49406, 320, 1125, 539, 320, 2368, 49407,
        ]);
      },
    );
    test('a vocabulary padded in the network', async () => {
      const text_config = { ...part('config.json', files, 'text_config'), vocab_size: 1024 };
      expect(
        (await open(withJson(files, 'config.json', { text_config }))).config.text_config.vocab_size,
      ).toBe(1024);
    });
  });

  describe("other exporters' folders", () => {
    test('a config.json that says no more than its type, pictures of 0 … 1, padding with another token', async () => {
      const folder = await open(exportersFolder());
      expect(folder.config).toMatchObject({ vision_config: {}, text_config: {} });
      expect(folder.preprocessing).toMatchObject({
        resample: 'bilinear',
        crop: { width: SIDE, height: SIDE },
        mean: [0, 0, 0],
        std: [1, 1, 1],
      });
      expect(folder.tokenizer).toMatchObject({ contextLength: SEQUENCE, padTokenId: 0 });
      expect(folder.logitScale).toBe(100);
    });
    test("CLIP's context where neither tokenizer nor configuration says how long texts may be", async () => {
      const silent = withJson(exportersFolder(), 'tokenizer_config.json', { model_max_length: 1e30 });
      expect((await open(silent)).tokenizer.contextLength).toBe(77);
    });
    test('precisions that both encoders have, whatever else one of them has', async () => {
      const suffixes = {
        vision: ['', '_fp16', '_int8', '_bnb4', '_q4f16'],
        text: ['_quantized', '_int8', '_uint8', '_bnb4', '_q4'],
      };
      expect((await open(exportersFolder({ suffixes }))).precisions).toEqual(['int8', 'bnb4']);
    });
    test('what a terse config.json says has to agree all the same', async () => {
      const states = (part: object) => open(withJson(exportersFolder(), 'config.json', part));
      await expect(states({ vision_config: { image_size: 224 } })).rejects.toThrow(
        /preprocessor_config\.json was refused: it makes pictures of 12×12, config\.json's model sees 224×224/,
      );
      await expect(states({ text_config: { vocab_size: 100 } })).rejects.toThrow(/vocab_size is 100/);
      await expect(states({ text_config: { max_position_embeddings: 8 } })).rejects.toThrow(
        /model_max_length 16 is more than the 8 positions/,
      );
      await expect(states({ text_config: { vocab_size: 600, eos_token_id: 600 } })).rejects.toThrow(
        /config\.json was refused: text_config's eos_token_id 600 lies outside its vocabulary of 600 tokens/,
      );
    });
    test('the padding that tokenizer_config.json names, beside vocab.json and merges.txt too', async () => {
      const { vocab, merges } = part('tokenizer.json', files, 'model');
      const old = withJson(without('tokenizer.json'), 'tokenizer_config.json', { pad_token: '!' });
      old.set('vocab.json', json(vocab));
      old.set(
        'merges.txt',
        new TextEncoder().encode(merges.map((merge: string[]) => merge.join(' ')).join('\n')),
      );
      expect((await open(old)).tokenizer.padTokenId).toBe(0);
    });
  });

  test.each<[string, (files: Files) => Files | Promise<Files>, RegExp]>([
    [
      'without config.json',
      () => without('config.json'),
      /models\/tiny\/config\.json was refused: it is not there/,
    ],
    [
      'without preprocessor',
      () => without('preprocessor_config.json'),
      /preprocessor_config\.json was refused: it is not there/,
    ],
    ['without tokenizer', () => without('tokenizer.json'), /tokenizer\.json was refused: it is not there/],
    [
      'without encoders',
      () => without('onnx/vision_model.onnx', without('onnx/text_model.onnx')),
      /onnx was refused: the encoders .* `npm run -s export`/,
    ],
    [
      'with one encoder',
      () => without('onnx/vision_model.onnx'),
      /onnx\/text_model\.onnx was refused: .*only one of them/,
    ],
    [
      'no JSON',
      (f) => new Map(f).set('config.json', new TextEncoder().encode('<html>')),
      /config\.json was refused: it is not JSON/,
    ],
    [
      'another image size',
      (f) => withJson(f, 'preprocessor_config.json', { crop_size: 48 }),
      /preprocessor_config\.json was refused: it makes pictures of 48×48, config\.json's model sees 32×32/,
    ],
    [
      'fewer embeddings than tokens',
      (f) =>
        withJson(f, 'config.json', {
          text_config: {
            ...part('config.json', f, 'text_config'),
            vocab_size: 519,
            eos_token_id: 2,
            bos_token_id: 0,
          },
        }),
      /config\.json was refused: its vocab_size is 519, the tokenizer has 520 tokens/,
    ],
    [
      'another end token',
      (f) =>
        withJson(f, 'config.json', {
          text_config: { ...part('config.json', f, 'text_config'), eos_token_id: 7 },
        }),
      /its eos_token_id is 7, the tokenizer ends texts with 519/,
    ],
    [
      'another start token',
      (f) =>
        withJson(f, 'config.json', {
          text_config: { ...part('config.json', f, 'text_config'), bos_token_id: 7 },
        }),
      /its bos_token_id is 7, the tokenizer begins texts with 518/,
    ],
    [
      'texts that begin and end alike',
      (f) => {
        const post_processor = part('tokenizer.json', f, 'post_processor');
        return withJson(without('tokenizer_config.json', f), 'tokenizer.json', {
          post_processor: { ...post_processor, cls: post_processor.sep },
        });
      },
      /the tokenizer begins and ends texts with the same token 519/,
    ],
    [
      'padding that the legacy of the largest id would take for the end',
      (f) => {
        const text_config = { ...part('config.json', f, 'text_config'), eos_token_id: 2, vocab_size: 521 };
        const pad = { ...part('tokenizer.json', f, 'added_tokens')[1], id: 520, content: '<pad>' };
        const added_tokens = [...part('tokenizer.json', f, 'added_tokens'), pad];
        const changed = withJson(withJson(f, 'config.json', { text_config }), 'tokenizer.json', {
          added_tokens,
        });
        return withJson(changed, 'tokenizer_config.json', { pad_token: '<pad>' });
      },
      /its eos_token_id 2 means the largest token.*fills texts up with 520.*end token 519/,
    ],
    [
      'a longer context than positions',
      (f) => withJson(f, 'tokenizer_config.json', { model_max_length: 77 }),
      /model_max_length 77 is more than the 16 positions/,
    ],
    [
      'a damaged tokenizer',
      (f) => withJson(f, 'tokenizer.json', { model: {} }),
      /The folder models\/tiny was refused: .*tokenizer\.json/,
    ],
  ])('refuses a folder %s', async (_, change, reason) => {
    await expect(open(await change(files))).rejects.toThrow(reason);
  });
});

describe('manifest.json', () => {
  test('a folder that agrees with it opens', async () => {
    const folder = await open(await withManifest(files));
    expect(folder.manifest?.files.length).toBe(files.size);
  });

  test('another size, a missing file and other bytes are refused', async () => {
    const listed = await withManifest(files);
    await expect(open(without('tokenizer_config.json', listed))).rejects.toThrow(
      /tokenizer_config\.json was refused: manifest\.json lists it/,
    );
    const entries = part('manifest.json', listed, 'files');
    const partly = await open(new Map(listed).set('manifest.json', json({ files: entries.slice(0, -1) })));
    await expect(partly.read('onnx/text_model.onnx')).rejects.toThrow(
      /text_model\.onnx is not listed in manifest\.json/,
    );
    const longer = new Map(listed).set('onnx/text_model.onnx', new Uint8Array(5));
    await expect(open(longer)).rejects.toThrow(
      /onnx\/text_model\.onnx was refused: it has 5 bytes, manifest\.json says \d+/,
    );
    const config = new TextDecoder()
      .decode(files.get('config.json'))
      .replace('"patch_size":16', '"patch_size":32');
    const other = new Map(listed).set('config.json', new TextEncoder().encode(config));
    await expect(open(other)).rejects.toThrow(
      /The folder models\/tiny was refused: config\.json is damaged .* SHA-256 is [0-9a-f]{64}, manifest\.json says [0-9a-f]{64}; export the model again, or fetch it again\.$/,
    );
  });

  test('an encoder is checked when it is read', async () => {
    const listed = await withManifest(files);
    const damaged = new Uint8Array(files.get('onnx/vision_model.onnx') ?? []);
    damaged[damaged.length >> 1] ^= 1;
    const folder = await open(new Map(listed).set('onnx/vision_model.onnx', damaged));
    await expect(folder.read('onnx/vision_model.onnx')).rejects.toThrow(
      /onnx\/vision_model\.onnx is damaged/,
    );
    await expect(folder.read('onnx/none.onnx')).rejects.toThrow(
      /onnx\/none\.onnx was refused: it is not there/,
    );
  });

  test.each([
    [
      { files: [{ path: '../x', bytes: 1, sha256: 'a'.repeat(64) }] },
      /files\.0\.path: Expected a plain path/,
    ],
    [{ files: [{ path: 'https://x/y', bytes: 1, sha256: 'a'.repeat(64) }] }, /Expected a plain path/],
    [{ files: [{ path: 'a//b', bytes: 1, sha256: 'a'.repeat(64) }] }, /Expected a plain path/],
    [{ files: [{ path: 'a', bytes: -1, sha256: 'a'.repeat(64) }] }, /files\.0\.bytes/],
    [{ files: [{ path: 'a', bytes: 1, sha256: 'A'.repeat(64) }] }, /files\.0\.sha256: Expected 64/],
    [{}, /files/],
  ])('refuses %j', async (manifest, reason) => {
    await expect(open(new Map(files).set('manifest.json', json(manifest)))).rejects.toThrow(reason);
  });

  test('refuses a path that it lists twice', async () => {
    const entry = { path: 'config.json', bytes: 1, sha256: 'a'.repeat(64) };
    await expect(open(new Map(files).set('manifest.json', json({ files: [entry, entry] })))).rejects.toThrow(
      /lists config\.json twice/,
    );
  });
});

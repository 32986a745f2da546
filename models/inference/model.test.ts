import { mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectedImage, expectedText, exportersFolder, SIDE } from '../clip/fixtures/exporters-folder.ts';
import pictures from '../clip/fixtures/preprocess.json' with { type: 'json' };
import { noise } from '../clip/fixtures/synthetic.ts';
import { type Files, tinyModel, withJson, withManifest } from '../clip/fixtures/tiny-model.ts';
import { preprocess } from '../clip/preprocess.ts';
import { cosine, normalize } from '../clip/ranking.ts';
import { selfTestImage } from '../clip/selftest.ts';
import type { RgbImage } from '../clip/types.ts';
import { writeFileWhole } from '../files/folder.ts';
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
} from '../onnx/proto/onnx_pb.ts';
import { IMAGES_PER_RUN, openModel } from './model.ts';
import { embedPictures } from './pictures.ts';

let root = '';
let files: Files;
let written = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'promptlens-model-'));
  files = await tinyModel();
});
afterAll(() => rm(root, { recursive: true }));

async function folderOf(content: Files): Promise<string> {
  const folder = join(root, String(written++));
  for (const [path, bytes] of content) await writeFileWhole(join(folder, path), bytes);
  return folder;
}

/** `use` with an open model, which is closed afterwards. */
async function withModel<T>(
  content: Files,
  use: (model: Awaited<ReturnType<typeof openModel>>) => Promise<T>,
): Promise<T> {
  const model = await openModel(await folderOf(content), { threads: 1 });
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

const picture = (seed: number, width = 50, height = 40): RgbImage =>
  selfTestImage({ recipe: 'gradient-noise', seed, width, height });
const length = (vector: Float32Array) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

/** In fp32 a vector depends on its neighbours in the batch by rounding alone. */
function expectSame(a: Float32Array, b: Float32Array) {
  expect(cosine(a, b)).toBeGreaterThan(1 - 1e-6);
}

/** Leaves a tensor's values to a file beside the graph. */
function moveOut(tensor: TensorProto, place: { location: string; offset: number; length: number }): void {
  tensor.externalData = Object.entries(place).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value: String(value) }),
  );
  tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
  tensor.rawData = new Uint8Array();
}

describe('openModel', () => {
  test('texts: in their order, of unit length, whatever their neighbours', async () => {
    await withModel(files, async (model) => {
      const texts = ['a photo of a cat.', '', 'dog', 'a photo of a cat.', 'people riding horses on a table'];
      const vectors = await model.embedTexts(texts);
      expect(vectors.length).toBe(5);
      for (const [i, text] of texts.entries()) {
        expect(vectors[i].length).toBe(32);
        expect(length(vectors[i])).toBeCloseTo(1, 6);
        expectSame(vectors[i], (await model.embedTexts([text]))[0]);
      }
      expect(vectors[0]).toBe(vectors[3]);
      expect(cosine(vectors[0], vectors[4])).toBeLessThan(0.99);
      expect(await model.embedTexts([])).toEqual([]);
    });
  });

  test('more texts than fit into one run', async () => {
    await withModel(files, async (model) => {
      const texts = Array.from({ length: 700 }, (_, i) => `photo ${i} of a ${'red '.repeat(i % 12)}flower`);
      const vectors = await model.embedTexts(texts);
      for (const i of [0, 11, 350, 699]) expectSame(vectors[i], (await model.embedTexts([texts[i]]))[0]);
    });
  });

  test('pictures: in their order, as their pixel_values give, more than fit into one run', async () => {
    await withModel(files, async (model) => {
      const pictures = Array.from({ length: IMAGES_PER_RUN + 5 }, (_, i) => picture(i, 33 + i, 40));
      const vectors = await model.embedImages(pictures);
      expect(vectors.length).toBe(pictures.length);
      for (const i of [0, IMAGES_PER_RUN - 1, IMAGES_PER_RUN, pictures.length - 1]) {
        expect(length(vectors[i])).toBeCloseTo(1, 6);
        const values = preprocess(pictures[i], model.preprocessing);
        expectSame(vectors[i], (await model.embedPixelValues(values, 1))[0]);
      }
      expect(cosine(vectors[0], vectors[1])).toBeLessThan(1 - 1e-6);
    });
  });

  test('external data beside a graph is read by its plain name', async () => {
    const graph = fromBinary(ModelProtoSchema, files.get('onnx/vision_model.onnx') ?? new Uint8Array());
    const tensors = graph.graph?.initializer.filter(({ rawData }) => rawData.length > 2000) ?? [];
    expect(tensors.length).toBeGreaterThan(0);
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (const tensor of tensors) {
      const { rawData } = tensor;
      parts.push(rawData);
      moveOut(tensor, { location: 'vision_model.onnx_data', offset, length: rawData.length });
      offset += rawData.length;
    }
    const external = new Map(files)
      .set('onnx/vision_model.onnx', toBinary(ModelProtoSchema, graph))
      .set('onnx/vision_model.onnx_data', Uint8Array.from(Buffer.concat(parts)));
    const [expected] = await withModel(files, (model) => model.embedImages([picture(1)]));
    const listed = await withManifest(external);
    for (const sound of [external, listed]) {
      const [found] = await withModel(sound, (model) => model.embedImages([picture(1)]));
      expectSame(found, expected);
    }
    const data = external.get('onnx/vision_model.onnx_data') ?? new Uint8Array();
    await withModel(new Map(listed).set('onnx/vision_model.onnx_data', data.with(5, data[5] ^ 1)), (model) =>
      expect(model.embedImages([picture(1)])).rejects.toThrow(/vision_model\.onnx_data is damaged/),
    );
  });

  test("external data that is a link is refused, but not in a hub's cache, where the graph is one too", async () => {
    const graph = fromBinary(ModelProtoSchema, files.get('onnx/vision_model.onnx') ?? new Uint8Array());
    const [tensor] = graph.graph?.initializer.filter(({ rawData }) => rawData.length > 2000) ?? [];
    const { rawData } = tensor;
    moveOut(tensor, { location: 'weights', offset: 0, length: rawData.length });
    const bytes = toBinary(ModelProtoSchema, graph);
    const folder = await folderOf(new Map(files).set('onnx/vision_model.onnx', bytes));
    await writeFileWhole(join(root, 'blobs/data'), rawData);
    await writeFileWhole(join(root, 'blobs/graph'), bytes);
    await symlink(join(root, 'blobs/data'), join(folder, 'onnx/weights'));
    const embedded = async () => {
      const model = await openModel(folder, { threads: 1 });
      return model.embedImages([picture(1)]).finally(() => model.close());
    };
    await expect(embedded()).rejects.toThrow(
      /onnx\/weights was refused: it is a link to .*blobs\/data; a file beside the graph was expected\. Copy it there\.$/,
    );
    await rm(join(folder, 'onnx/vision_model.onnx'));
    await symlink(join(root, 'blobs/graph'), join(folder, 'onnx/vision_model.onnx'));
    const [expected] = await withModel(files, (model) => model.embedImages([picture(1)]));
    expectSame((await embedded())[0], expected);
  });

  test('external data is never taken from where the program was started', async () => {
    const graph = fromBinary(ModelProtoSchema, files.get('onnx/vision_model.onnx') ?? new Uint8Array());
    const [tensor] = graph.graph?.initializer.filter(({ rawData }) => rawData.length > 0) ?? [];
    expect((await stat('package.json')).size).toBeGreaterThan(tensor.rawData.length);
    moveOut(tensor, { location: 'package.json', offset: 0, length: tensor.rawData.length });
    const stray = new Map(files).set('onnx/vision_model.onnx', toBinary(ModelProtoSchema, graph));
    await withModel(stray, (model) =>
      expect(model.embedImages([picture(1)])).rejects.toThrow(
        /onnx\/vision_model\.onnx was refused: the tensor ".*" is to be read from "package\.json", which is not beside it\.$/,
      ),
    );
  });

  test('refuses a precision that is not there, and says how to make it', async () => {
    const folder = await folderOf(files);
    await expect(openModel(folder, { precision: 'q8' })).rejects.toThrow(
      /has no encoders in q8; it has fp32\. `npm run -s export -- --model .* --precision q8` makes them\./,
    );
  });

  test('refuses an encoder that is damaged, no graph, or of another width', async () => {
    const damaged = Uint8Array.from(files.get('onnx/text_model.onnx') ?? []);
    damaged[damaged.length >> 1] ^= 1;
    const bad = new Map(await withManifest(files)).set('onnx/text_model.onnx', damaged);
    await withModel(bad, async (model) => {
      await expect(model.embedTexts(['cat'])).rejects.toThrow(/onnx\/text_model\.onnx is damaged/);
      expect((await model.embedImages([picture(1)])).length).toBe(1); // the other encoder is sound
    });
    await withModel(new Map(files).set('onnx/text_model.onnx', new Uint8Array(9)), async (model) => {
      await expect(model.embedTexts(['cat'])).rejects.toThrow(
        /text_model\.onnx was refused: byte 0 begins no field of protobuf/,
      );
    });
    await withModel(withJson(files, 'config.json', { projection_dim: 48 }), async (model) => {
      await expect(model.embedTexts(['cat'])).rejects.toThrow(
        /text_embeds as float32 \[1,32\]; float32 \[batch, 48\] was expected/,
      );
    });
    const swapped = new Map(files).set(
      'onnx/text_model.onnx',
      files.get('onnx/vision_model.onnx') ?? new Uint8Array(),
    );
    await withModel(swapped, async (model) => {
      await expect(model.embedTexts(['cat'])).rejects.toThrow(
        /text_model takes pixel_values; input_ids alone/,
      );
    });
  });
});

describe("other exporters' folders", () => {
  // Pixel values of PyTorch and Pillow for such folders' preprocessor_config.json.
  const bilinear = pictures.filter(({ config }) => config.resample === 2 && config.crop_size.width === SIDE);
  const unit = (vector: readonly number[]) => normalize(Float32Array.from(vector));

  test.each(bilinear)('pictures, with $config', async ({ width, height, seed, config, torch }) => {
    const values = new Float32Array(Uint8Array.from(Buffer.from(torch ?? '', 'base64')).buffer);
    await withModel(exportersFolder({ preprocessor: { do_normalize: true, ...config } }), async (model) => {
      const [vector] = await model.embedImages([noise(width, height, seed)]);
      expectSame(vector, unit(expectedImage(values)));
    });
  });

  test('texts of one length, with and without a mask, cut and padded', async () => {
    const texts = ['a photo of a cat.', '', 'dog', 'a photo of a dog '.repeat(9)];
    for (const mask of [true, false]) {
      await withModel(exportersFolder({ mask }), async (model) => {
        const vectors = await model.embedTexts(texts);
        for (const [i, text] of texts.entries()) {
          const { ids } = model.tokenizer.encode(text);
          expectSame(vectors[i], unit(expectedText(ids, { mask })));
        }
      });
    }
  });

  test('more texts of one length than fit into one run', async () => {
    await withModel(exportersFolder(), async (model) => {
      const texts = Array.from({ length: 600 }, (_, i) => `photo ${i}`);
      const vectors = await model.embedTexts(texts);
      for (const i of [0, 256, 599])
        expectSame(vectors[i], unit(expectedText(model.tokenizer.encode(texts[i]).ids)));
    });
  });

  test('a precision that both encoders have, chosen or not', async () => {
    const suffixes = { vision: ['', '_int8', '_bnb4'], text: ['_fp16', '_int8', '_bnb4'] };
    const folder = await folderOf(exportersFolder({ suffixes }));
    for (const precision of [undefined, 'int8', 'bnb4'] as const) {
      const model = await openModel(folder, { precision, threads: 1 });
      expect(model.precision).toBe(precision ?? 'int8');
      expect(await model.embedTexts(['cat'])).toHaveLength(1);
      await model.close();
    }
    await expect(openModel(folder, { precision: 'fp32' })).rejects.toThrow(/in fp32; it has int8, bnb4\./);
  });

  test('a graph that contradicts the folder is refused', async () => {
    const smaller = exportersFolder({ preprocessor: { crop_size: 8, size: 8 } });
    await withModel(smaller, async (model) => {
      await expect(model.embedImages([picture(1)])).rejects.toThrow(
        /onnx\/vision_model\.onnx was refused: The vision_model sees pictures of 12×12, .* 8×8/,
      );
    });
    const longer = withJson(exportersFolder(), 'tokenizer_config.json', { model_max_length: 20 });
    await withModel(longer, async (model) => {
      await expect(model.embedTexts(['cat'])).rejects.toThrow(/takes 16 tokens, .* cuts texts at 20/);
    });
  });
});

describe('embedPictures', () => {
  test('keeps the order of the pictures, and a bad one costs no other', async () => {
    await withModel(files, async (model) => {
      const count = IMAGES_PER_RUN + 8;
      let decoded = 0;
      let most = 0;
      const load = async (index: number) => {
        most = Math.max(most, ++decoded);
        await new Promise((done) => setTimeout(done, (index * 7) % 5));
        decoded--;
        if (index % 10 === 3) throw new Error(`picture ${index} is damaged`);
        return picture(index);
      };
      const found: string[] = [];
      for await (const each of embedPictures(model, count, load)) {
        if ('error' in each) found.push(each.error.message);
        else {
          found.push(`${each.index}`);
          expectSame(each.vector, (await model.embedImages([picture(each.index)]))[0]);
        }
      }
      expect(found).toEqual(
        Array.from({ length: count }, (_, i) => (i % 10 === 3 ? `picture ${i} is damaged` : `${i}`)),
      );
      expect(most).toBeLessThanOrEqual(4);
    });
  });

  test('no pictures, or bad ones alone', async () => {
    await withModel(files, async (model) => {
      const all = [];
      for await (const each of embedPictures(model, 0, async () => picture(0))) all.push(each);
      expect(all).toEqual([]);
      const load = async (): Promise<RgbImage> => {
        throw new Error('gone');
      };
      for await (const each of embedPictures(model, 2, load)) all.push('error' in each && each.error.message);
      expect(all).toEqual(['gone', 'gone']);
    });
  });
});

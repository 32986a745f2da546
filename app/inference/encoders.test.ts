import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as ort from 'onnxruntime-web';
import { expect, it, vi } from 'vitest';
import type { GraphSignature } from '../../models/clip/encoder-binding.ts';
import {
  expectedImage,
  expectedText,
  exportersFolder,
  SIDE,
} from '../../models/clip/fixtures/exporters-folder.ts';
import { memorySource } from '../../models/clip/fixtures/tiny-model.ts';
import { type ModelFolder, readModelFolder } from '../../models/clip/model-folder.ts';
import { createEncoders } from './encoders.ts';
import type { Attempt } from './plan.ts';
import type { Runtime } from './runtime.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const attempt: Attempt = { backend: 'wasm', precision: 'q8', threads: 1, build: 'wasm', adapter: null };
const folder = {
  preprocessing: { resize: null, crop: { width: 1, height: 1 } },
  tokenizer: { contextLength: 4, padTokenId: 9 },
} as ModelFolder;
/** A runtime whose sessions have the graphs given here, by the first byte of what they are made from. */
function runtimeOf(graphs: readonly GraphSignature[], release = async () => {}): Runtime {
  const create = async ([kind]: Uint8Array) => ({ ...graphs[kind], release });
  return { InferenceSession: { create } } as unknown as Runtime;
}
const graphOf = (inputs: readonly GraphSignature['inputMetadata'][number][], ...outputs: string[]) => ({
  inputMetadata: inputs,
  outputMetadata: outputs.map((name) => ({ name })),
});
const vision = graphOf(
  [{ name: 'pixel_values', type: 'float32', shape: ['batch', 3, 1, 1] }],
  'image_embeds',
);
const text = graphOf([{ name: 'input_ids', type: 'int64', shape: ['batch', 'sequence'] }], 'text_embeds');
it('lets the graphs’ bytes go once the sessions are there', async () => {
  const refs: WeakRef<Uint8Array>[] = [];
  const graph = (kind: number) => {
    const bytes = new Uint8Array(1000).fill(kind);
    refs.push(new WeakRef(bytes));
    return bytes;
  };
  const encoders = await createEncoders(runtimeOf([vision, text]), attempt, folder, {
    vision_model: { graph: graph(0), externalData: [], producer: '' },
    text_model: { graph: graph(1), externalData: [], producer: '' },
  });
  // A WeakRef holds what it was made of until this turn of the event loop ends.
  await new Promise((resolve) => setTimeout(resolve));
  collectGarbage();
  expect(refs.map((ref) => ref.deref())).toEqual([undefined, undefined]);
  expect(encoders).toBeDefined();
});

it('refuses graphs that contradict the folder, and gives their memory back', async () => {
  const large = graphOf(
    [{ name: 'pixel_values', type: 'float32', shape: ['batch', 3, 2, 2] }],
    'image_embeds',
  );
  const only = (kind: number) => ({ graph: new Uint8Array([kind]), externalData: [], producer: '' });
  const graphs = { vision_model: only(0), text_model: only(1) };
  const release = vi.fn(async () => {});
  await expect(createEncoders(runtimeOf([large, text], release), attempt, folder, graphs)).rejects.toThrow(
    'The vision_model sees pictures of 2×2, preprocessor_config.json makes them 1×1.',
  );
  expect(release).toHaveBeenCalledOnce();
});

it.each([true, false])("runs other exporters' encoders, a mask asked for: %s", async (mask) => {
  const files = exportersFolder({ mask });
  const folder = await readModelFolder(memorySource(files));
  const read = (encoder: string) => ({
    graph: files.get(`onnx/${encoder}.onnx`) ?? new Uint8Array(),
    externalData: [],
    producer: '',
  });
  ort.env.wasm.numThreads = 1;
  const encoders = await createEncoders(ort, { ...attempt, precision: 'fp32' }, folder, {
    vision_model: read('vision_model'),
    text_model: read('text_model'),
  });
  const pixels = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => (i % 256) / 255);
  const [image] = await encoders.encodeImages(pixels, 1);
  const texts = ['a photo of a cat', 'dog'];
  const vectors = await encoders.encodeTexts(folder.tokenizer.encodeBatch(texts));
  const expected = texts.map((text) => expectedText(folder.tokenizer.encode(text).ids, { mask }));
  for (const [found, wanted] of [image, ...vectors].map((row, i) => [
    row,
    [expectedImage(pixels), ...expected][i],
  ])) {
    expect(found).toHaveLength(wanted.length);
    for (const [i, value] of wanted.entries()) expect(found[i]).toBeCloseTo(value, 4);
  }
});

// transformers.js in a page without the rest: hosted by this site alone, everything else as it comes. It picks WASM and q8 by
// itself.

import {
  AutoProcessor,
  AutoTokenizer,
  CLIPTextModelWithProjection,
  CLIPVisionModelWithProjection,
  env,
  pipeline,
  RawImage,
} from '@huggingface/transformers';
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import { asked, fetchBlob, type PeerPage, Photographs, TEMPLATE, type Way } from './contract.ts';

env.allowLocalModels = true;
env.allowRemoteModels = false;
env.localModelPath = '/models/';
const runtime = env.backends.onnx.wasm;
runtime.wasmPaths = { mjs, wasm };
const { model, photograph, labels, threads } = asked();
if (threads !== null) runtime.numThreads = threads;

type Pipeline = Awaited<ReturnType<typeof pipeline>>;

/** What somebody writes who knows that the pipeline encodes every label for every photograph. */
interface Encoders {
  image(photo: Blob): Promise<Float32Array>;
  texts(texts: readonly string[]): Promise<Float32Array[]>;
}

const photographs = new Photographs();
let classify: Pipeline;
let encoders: Promise<Encoders> | null = null;
let name = '';
let candidates: readonly string[] = [];
let labelVectors: readonly Float32Array[] = [];

async function load(model: string): Promise<number> {
  name = model;
  classify = await pipeline('zero-shot-image-classification', model);
  // What the runtime fills in by itself when it starts.
  return runtime.numThreads ?? 1;
}

async function openEncoders(): Promise<Encoders> {
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  const processor = await AutoProcessor.from_pretrained(name);
  const vision = await CLIPVisionModelWithProjection.from_pretrained(name);
  const text = await CLIPTextModelWithProjection.from_pretrained(name);
  return {
    async image(photo) {
      const { image_embeds } = await vision(await processor(await RawImage.fromBlob(photo)));
      return unit(image_embeds.data);
    },
    async texts(texts) {
      const { text_embeds } = await text(tokenizer(texts, { padding: true, truncation: true }));
      const [rows, dim] = text_embeds.dims;
      return Array.from({ length: rows }, (_, row) =>
        unit(text_embeds.data.slice(row * dim, (row + 1) * dim)),
      );
    },
  };
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function similarities(image: Float32Array): number[] {
  return labelVectors.map((label) => label.reduce((sum, value, i) => sum + value * image[i], 0));
}

async function rank(way: Way, photos: readonly Blob[]): Promise<void> {
  switch (way) {
    case 'one by one':
      for (const photo of photos) await classify(photo, candidates);
      break;
    case 'at once':
      await classify(photos, candidates);
      break;
    case 'encoders': {
      encoders ??= openEncoders();
      const { image } = await encoders;
      for (const photo of photos) similarities(await image(photo)).sort((a, b) => b - a);
      break;
    }
    default:
      way satisfies never;
  }
}

window.peer = {
  load,
  fetchPhotographs: (addresses) => photographs.fetch(addresses),

  async embed(address) {
    encoders ??= openEncoders();
    return [...(await (await encoders).image(await fetchBlob(address)))];
  },

  async setLabels(labels) {
    encoders ??= openEncoders();
    const { texts } = await encoders;
    candidates = labels;
    const start = performance.now();
    labelVectors = await texts(labels.map((label) => TEMPLATE.replace('{}', label)));
    return performance.now() - start;
  },

  async rank(way, first, count) {
    const photos = photographs.take(first, count);
    const start = performance.now();
    await rank(way, photos);
    return performance.now() - start;
  },
} satisfies PeerPage;

async function firstAnswer(model: string, photograph: string) {
  const photo = fetchBlob(photograph);
  const threads = await load(model);
  const [best] = await classify(await photo, labels);
  return { ms: performance.now(), threads, best: best.label };
}

if (photograph !== null) window.firstAnswer = firstAnswer(model, photograph);

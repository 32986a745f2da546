// onnxruntime-web by itself: both encoders as sessions, photographs decoded and scaled by the browser's canvas, a run for each. What is
// left where nobody asks for exact pixels, a self-test, or an answer while the next photograph is decoded.

import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as ort from 'onnxruntime-web/wasm';
import { type BarePage, fetchBlob, Photographs } from './contract.ts';

const photographs = new Photographs();
let vision: ort.InferenceSession;

async function session(address: string): Promise<ort.InferenceSession> {
  const graph = await (await fetchBlob(address)).arrayBuffer();
  return ort.InferenceSession.create(graph, { executionProviders: ['wasm'] });
}

/** [3, side, side], by CLIP's mean and standard deviation. */
async function pixelValues(photo: Blob, side: number): Promise<Float32Array> {
  const bitmap = await createImageBitmap(photo);
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('This browser gives no canvas.');
  context.imageSmoothingQuality = 'high';
  const scale = side / Math.min(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  context.drawImage(bitmap, (side - width) / 2, (side - height) / 2, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, side, side);
  const values = new Float32Array(3 * side * side);
  for (let i = 0; i < side * side; i++) {
    for (let c = 0; c < 3; c++) values[c * side * side + i] = (data[4 * i + c] / 255 - MEAN[c]) / STD[c];
  }
  return values;
}

const MEAN = [0.48145466, 0.4578275, 0.40821073];
const STD = [0.26862954, 0.26130258, 0.27577711];

window.bare = {
  async load(model, threads) {
    const start = performance.now();
    ort.env.wasm.wasmPaths = { mjs, wasm };
    ort.env.wasm.numThreads = threads;
    vision = await session(`/models/${model}/onnx/vision_model_quantized.onnx`);
    await session(`/models/${model}/onnx/text_model_quantized.onnx`);
    return performance.now() - start;
  },

  fetchPhotographs: (addresses) => photographs.fetch(addresses),

  async embed(count, side) {
    const start = performance.now();
    for (const photo of photographs.take(0, count)) {
      const data = await pixelValues(photo, side);
      const pixel_values = new ort.Tensor('float32', data, [1, 3, side, side]);
      const { image_embeds } = await vision.run({ pixel_values });
      image_embeds.dispose();
    }
    return performance.now() - start;
  },
} satisfies BarePage;

// Answers a photograph's path with the milliseconds of two ways from its bytes: to all its pixels, as any page would get them
// from the browser, and to pixel_values, as ours does.

import { decodeImage } from '../../app/inference/decode.ts';
import { parsePreprocessorConfig, preprocess } from '../../models/clip/preprocess.ts';

export interface Milliseconds {
  /** createImageBitmap, drawn onto a canvas of its size, all pixels handed over. */
  readonly pixels: number;
  /** Of that, createImageBitmap alone. */
  readonly bitmap: number;
  readonly pixelValues: number;
}

const preprocessing = parsePreprocessorConfig({});

self.addEventListener('message', async ({ data: path }: MessageEvent<string>) => {
  const photo = await (await fetch(path)).blob();
  const { pixels, bitmap } = await handOver(photo);
  const start = performance.now();
  const image = await decodeImage(photo, path);
  preprocess(image, preprocessing);
  image.close();
  self.postMessage({ pixels, bitmap, pixelValues: performance.now() - start } satisfies Milliseconds);
});

async function handOver(photo: Blob): Promise<Omit<Milliseconds, 'pixelValues'>> {
  const start = performance.now();
  const picture = await createImageBitmap(photo);
  const bitmap = performance.now() - start;
  const { width, height } = picture;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context?.drawImage(picture, 0, 0);
  const handed = context?.getImageData(0, 0, width, height).data.length;
  const pixels = performance.now() - start;
  if (handed !== 4 * width * height) throw new Error(`The canvas handed over ${handed} bytes.`);
  picture.close();
  return { pixels, bitmap };
}

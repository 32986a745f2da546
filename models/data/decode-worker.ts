/**
 * A thread that turns encoded pictures into cropped, normalised pixel values, so that training never waits for a decoder.
 * Jobs are answered in order. What a picture becomes depends on (seed, epoch, row) and its bytes alone, not on the thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { expose, transfer } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import sharp from 'sharp';
import type { RgbImage } from '../clip/types.ts';
import { decodeImage } from '../files/decode-image.ts';
import { changeColors, drawColorJitter, grayScale } from './color-jitter.ts';
import { drawCrop } from './crop.ts';
import { cropTo } from './crop-resample.ts';
import type { DecodeJob, DecodeResult, DecodeSettings } from './decode-job.ts';
import { cropCoarsely } from './low-resolution.ts';
import { randomStream } from './random.ts';

// One picture at a time on one core: the other cores belong to the training step. What is kept of a picture is kept by decoded-pictures.ts.
sharp.concurrency(1);
sharp.cache(false);

const settings: DecodeSettings = workerData;
const { imageSize, mean, std, seed, colorJitterProb, grayScaleProb, lowResProb } = settings;
/** Times the size that is needed: so that the smallest crop shows all that the picture has. */
const enlargement = Math.max(2, settings.cropScale[0] ** -0.5);

async function answer({ epoch, rows, names, images }: DecodeJob): Promise<DecodeResult> {
  const pixelsEach = 3 * imageSize * imageSize;
  const pixel_values = new Float32Array(rows.length * pixelsEach);
  const decoded: { place: number; picture: RgbImage }[] = [];
  const damaged: { place: number; reason: string }[] = [];
  for (const [place, image] of images.entries()) {
    const planes = pixel_values.subarray(place * pixelsEach, (place + 1) * pixelsEach);
    try {
      const picture = image instanceof Uint8Array ? await decodeShared(image, names[place]) : image;
      if (picture !== image) decoded.push({ place, picture });
      const random = randomStream('crop', seed, epoch, rows[place]);
      const crop = drawCrop(picture.width, picture.height, settings, random);
      const coarse = randomStream('low resolution', seed, epoch, rows[place])() < lowResProb;
      (coarse ? cropCoarsely : cropTo)(picture, crop, imageSize, planes);
      const colors = randomStream('color jitter', seed, epoch, rows[place]);
      if (colors() < colorJitterProb) changeColors(planes, drawColorJitter(colors));
      if (random() < grayScaleProb) grayScale(planes);
      normalize(planes);
    } catch (error) {
      damaged.push({ place, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return transfer({ pixel_values, decoded, damaged }, [pixel_values.buffer]);
}

/** Shared, so that another thread may crop it in the next epoch without a copy. */
async function decodeShared(image: Uint8Array, name: string): Promise<RgbImage> {
  const picture = await decodeImage(image, name, { shortSide: Math.ceil(imageSize * enlargement) });
  const data = new Uint8Array(new SharedArrayBuffer(picture.data.length));
  data.set(picture.data);
  return { ...picture, data };
}

/** In place: from 0 … 255 to what the network reads. */
function normalize(planes: Float32Array): void {
  const size = imageSize * imageSize;
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * std[channel]);
    const shift = -mean[channel] / std[channel];
    for (let i = channel * size; i < (channel + 1) * size; i++) planes[i] = planes[i] * scale + shift;
  }
}

let last: Promise<unknown> = Promise.resolve();
const served = {
  decode(job: DecodeJob): Promise<DecodeResult> {
    const answered = last.then(() => answer(job));
    last = answered.catch(() => undefined);
    return answered;
  },
};
export type Served = typeof served;

if (!parentPort)
  throw new Error('decode-worker.ts runs as a worker thread; open a pair stream instead of running it.');
expose(served, nodeEndpoint(parentPort));

/**
 * A thread that turns encoded pictures into cropped, normalised pixel values beside the training step. Whatever decoded-pictures.ts
 * keeps is only cropped in later epochs; in the first one a GPU may take pictures faster than they are decoded, and waits.
 * Jobs are answered in order. What a picture becomes depends on (seed, epoch, row) and its bytes alone, not on the thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { expose, transfer } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import sharp from 'sharp';
import { messageOf } from '../clip/message-of.ts';
import type { RgbImage } from '../clip/types.ts';
import { decodeImage } from '../files/decode-image.ts';
import { changeColors, drawColorJitter, grayScale } from './color-jitter.ts';
import { drawCrop } from './crop.ts';
import { cropTo } from './crop-resample.ts';
import type { DecodeJob, DecodeResult, DecodeSettings } from './decode-job.ts';
import { cropCoarsely } from './low-resolution.ts';
import { randomStream } from './random.ts';

// One core for a picture: the others belong to the training step. Each decoding thread has one picture in hand at a time, and decodes it
// itself where it is a small WebP, otherwise on one of libuv's threads, which all of them share. What is kept of pictures is kept by
// decoded-pictures.ts.
sharp.concurrency(1);
sharp.cache(false);

const settings: DecodeSettings = workerData;
const { imageSize, mean, std, seed, colorJitterProb, grayScaleProb, lowResProb } = settings;
/** How much larger than `imageSize` the short side is decoded, so that the smallest crop shows all that the picture has. */
const oversampling = Math.max(2, settings.cropScale[0] ** -0.5);

async function answer({ epoch, rows, names, images }: DecodeJob): Promise<DecodeResult> {
  const pixelsEach = 3 * imageSize * imageSize;
  const pixel_values = new Float32Array(rows.length * pixelsEach);
  const decoded: { place: number; picture: RgbImage }[] = [];
  const damaged: { place: number; reason: string }[] = [];
  for (const [place, image] of images.entries()) {
    const found = image instanceof Uint8Array ? await decode(image, names[place]) : image;
    if (typeof found === 'string') damaged.push({ place, reason: found });
    else {
      if (found !== image) decoded.push({ place, picture: found });
      const planes = pixel_values.subarray(place * pixelsEach, (place + 1) * pixelsEach);
      show(found, { epoch, row: rows[place] }, planes);
    }
  }
  return transfer({ pixel_values, decoded, damaged }, [pixel_values.buffer]);
}

/** The picture, or why it is damaged: a sentence. Whatever else fails is no picture's fault, and fails the job. */
async function decode(image: Uint8Array, name: string): Promise<RgbImage | string> {
  let picture: RgbImage;
  try {
    picture = await decodeImage(image, name, { shortSide: Math.ceil(imageSize * oversampling) });
  } catch (error) {
    return messageOf(error);
  }
  // Shared, so that another thread may crop it in the next epoch without a copy.
  const data = new Uint8Array(new SharedArrayBuffer(picture.data.length));
  data.set(picture.data);
  return { ...picture, data };
}

/** Into `planes`, as this epoch of training shows the row. */
function show(picture: RgbImage, { epoch, row }: { epoch: number; row: number }, planes: Float32Array): void {
  const random = randomStream('crop', seed, epoch, row);
  const crop = drawCrop(picture.width, picture.height, settings, random);
  const coarse = randomStream('low resolution', seed, epoch, row)() < lowResProb;
  (coarse ? cropCoarsely : cropTo)(picture, crop, imageSize, planes);
  const colors = randomStream('color jitter', seed, epoch, row);
  if (colors() < colorJitterProb) changeColors(planes, drawColorJitter(colors));
  if (random() < grayScaleProb) grayScale(planes);
  normalize(planes);
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

/**
 * A thread that turns encoded pictures into cropped, normalised pixel values, so that training never waits for a decoder.
 * Jobs are answered in order. What a picture becomes depends on (seed, epoch, row) and its bytes alone, not on the thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import sharp, { type Sharp } from 'sharp';
import { type Crop, drawCrop } from './crop.ts';
import type { DecodeJob, DecodeResult, DecodeSettings } from './decode-job.ts';
import { randomStream } from './random.ts';

/** As in preprocessing for inference: what is larger is no photograph but a trap for memory. */
const MAX_PIXELS = 100_000_000;

// One picture at a time on one core: the other cores belong to the training step. No picture returns soon enough for a cache.
sharp.concurrency(1);
sharp.cache(false);

const port = parentPort;
if (!port)
  throw new Error('decode-worker.ts runs as a worker thread; open a pair stream instead of running it.');
const settings: DecodeSettings = workerData;
const { imageSize, mean, std, seed } = settings;

let queue = Promise.resolve();
port.on('message', (job: DecodeJob) => {
  queue = queue.then(() => answer(job));
});

async function answer({ id, epoch, rows, images }: DecodeJob): Promise<void> {
  const pixelsEach = 3 * imageSize * imageSize;
  const pixel_values = new Float32Array(rows.length * pixelsEach);
  const damaged: { place: number; reason: string }[] = [];
  for (const [place, image] of images.entries()) {
    try {
      const rgb = await decodeCrop(image, epoch, rows[place]);
      normalize(rgb, pixel_values.subarray(place * pixelsEach, (place + 1) * pixelsEach));
    } catch (error) {
      damaged.push({ place, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const result: DecodeResult = { id, pixel_values, damaged };
  port?.postMessage(result, [pixel_values.buffer]);
}

/** [imageSize, imageSize, 3] as bytes. */
async function decodeCrop(image: Uint8Array, epoch: number, row: number): Promise<Uint8Array> {
  const open = () => sharp(image, { failOn: 'error', limitInputPixels: MAX_PIXELS, ignoreIcc: true });
  const { autoOrient } = await open().metadata();
  const { width, height } = autoOrient;
  const crop = drawCrop(width, height, settings, randomStream('crop', seed, epoch, row));
  const picture = scaledCrop(open().autoOrient(), width, height, crop);
  if (crop.flip) picture.flop();
  return picture.flatten({ background: '#ffffff' }).toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer();
}

/**
 * Scales the whole picture so that the crop has the network's size, then cuts it out: decoders of large JPEG and WebP
 * pictures then start from a smaller one, which they cannot when cutting comes first.
 */
function scaledCrop(picture: Sharp, width: number, height: number, crop: Crop): Sharp {
  const scaleX = imageSize / crop.width;
  const scaleY = imageSize / crop.height;
  const scaledWidth = Math.max(imageSize, Math.round(width * scaleX));
  const scaledHeight = Math.max(imageSize, Math.round(height * scaleY));
  return picture.resize(scaledWidth, scaledHeight, { fit: 'fill', kernel: 'cubic' }).extract({
    left: Math.min(Math.round(crop.left * scaleX), scaledWidth - imageSize),
    top: Math.min(Math.round(crop.top * scaleY), scaledHeight - imageSize),
    width: imageSize,
    height: imageSize,
  });
}

/** Interleaved bytes to planar values. */
function normalize(rgb: Uint8Array, planes: Float32Array): void {
  const size = imageSize * imageSize;
  if (rgb.length !== 3 * size) throw new Error(`decoded to ${rgb.length} bytes, not to ${3 * size}`);
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * std[channel]);
    const shift = -mean[channel] / std[channel];
    for (let i = 0; i < size; i++) planes[channel * size + i] = rgb[3 * i + channel] * scale + shift;
  }
}

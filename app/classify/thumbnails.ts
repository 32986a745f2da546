// Small copies of photographs for cards and rows. A 12-megapixel picture takes 48 MB decoded, so the page never shows one
// at its full size in a list: a few at a time are decoded straight to the size of a card. What has left the screen by the
// time its turn comes is passed over.

import { MAX_THUMBNAILS, THUMBNAIL_SIZE } from './limits.ts';
import { pictureSize } from './picture-files.ts';

export interface Thumbnails {
  /** The address of a copy that is there already. */
  peek(key: string): string | undefined;
  /** Rejects where the browser cannot decode the picture, or after an abort while it waited. */
  get(key: string, read: () => Promise<Blob>, name: string, signal: AbortSignal): Promise<string>;
}

/** Decoding is multi-threaded inside the browser; two keep it busy and leave cores to the model. */
const ABREAST = 2;

export function createThumbnails(): Thumbnails {
  // In order of use, oldest first.
  const made = new Map<string, string>();
  /** A card asks again when its photograph is stored, perhaps while its copy is being made. */
  const making = new Map<string, Promise<string>>();
  const waiting: (() => Promise<void>)[] = [];
  let running = 0;

  const next = async () => {
    if (running === ABREAST) return;
    const job = waiting.shift();
    if (job === undefined) return;
    running += 1;
    await job();
    running -= 1;
    void next();
  };

  const copyOf = async (key: string, read: () => Promise<Blob>, name: string) => {
    const url = URL.createObjectURL(await smallCopy(await read(), name));
    keep(key, url);
    return url;
  };

  const keep = (key: string, url: string) => {
    made.set(key, url);
    if (made.size <= MAX_THUMBNAILS) return;
    for (const [oldest, address] of made) {
      made.delete(oldest);
      URL.revokeObjectURL(address);
      break;
    }
  };

  return {
    peek(key) {
      const url = made.get(key);
      if (url !== undefined) {
        made.delete(key);
        made.set(key, url);
      }
      return url;
    },
    get: (key, read, name, signal) =>
      new Promise((resolve, reject) => {
        const job = async () => {
          try {
            signal.throwIfAborted();
            let url = made.get(key) ?? making.get(key);
            if (url === undefined) {
              url = copyOf(key, read, name).finally(() => making.delete(key));
              making.set(key, url);
            }
            resolve(await url);
          } catch (error) {
            reject(error);
          }
        };
        waiting.push(job);
        void next();
      }),
  };
}

async function smallCopy(photo: Blob, name: string): Promise<Blob> {
  const { width, height } = await pictureSize(photo, name);
  const scale = Math.min(1, THUMBNAIL_SIZE / Math.min(width, height));
  const bitmap = await createImageBitmap(photo, {
    // One side alone keeps the proportions, also of a photograph that EXIF turns.
    resizeWidth: Math.max(1, Math.round(width * scale)),
    resizeQuality: 'medium',
  });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  // In memory: a canvas on the GPU would be read back at once.
  canvas.getContext('2d', { willReadFrequently: true })?.drawImage(bitmap, 0, 0);
  bitmap.close();
  // Keeps transparency, and Chromium encodes it off the page's thread.
  return canvas.convertToBlob({ type: 'image/webp', quality: 0.82 });
}

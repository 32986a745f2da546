// A photograph's bytes to upright pixels, in a worker. The browser decodes; we see to it that the pixels are what Pillow reads
// (and models/files/decode-image.ts in Node): turned by their EXIF orientation, over white where there is alpha, colour
// profiles ignored, the first frame of an animation. The header is read first, so that nothing too large is decoded.

import { type ImageHeader, imageFormat, readImageHeader } from '../../models/clip/image-header.ts';
import { messageOf } from '../../models/clip/message-of.ts';
import type { PixelSource } from '../../models/clip/types.ts';
import { browserTurnsWebp, type Orientation, uprightTransform, webpOrientation } from './webp-orientation.ts';

/** Pixels that stay with the browser until they are read. */
export interface DecodedImage extends PixelSource {
  /** Gives the memory back: 4 bytes a pixel. */
  close(): void;
}

/** Enough of a file to tell its format: a film of gigabytes is refused without being read. */
const FORMAT_BYTES = 64;

/** Rejects with a sentence that names the file where it is no picture, too large, damaged, or of a kind this browser lacks. */
export async function decodeImage(photo: Blob, name: string): Promise<DecodedImage> {
  imageFormat(await bytesOf(photo.slice(0, FORMAT_BYTES), name), name);
  const bytes = await bytesOf(photo, name);
  const header = readImageHeader(bytes, name);
  try {
    const bitmap = await createImageBitmap(photo, {
      imageOrientation: 'from-image',
      colorSpaceConversion: 'none',
      premultiplyAlpha: 'none',
    });
    const mustTurn = header.format === 'WebP' && !(await browserTurnsWebp());
    return readable(bitmap, mustTurn ? webpOrientation(bytes) : 1);
  } catch (error) {
    throw new Error(refusal(header, name), { cause: error });
  }
}

async function bytesOf(part: Blob, name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await part.arrayBuffer());
  } catch (error) {
    const reason = messageOf(error);
    throw new Error(`${name} could not be read from the disk: ${reason} Add the photograph again.`, {
      cause: error,
    });
  }
}

/** A canvas has no more than the rectangle that was asked for: beside the picture itself it costs next to nothing. */
function readable(bitmap: ImageBitmap, orientation: Orientation): DecodedImage {
  const lies = orientation >= 5;
  const width = lies ? bitmap.height : bitmap.width;
  const height = lies ? bitmap.width : bitmap.height;
  const [a, b, c, d, e, f] = uprightTransform(orientation, width, height);
  let canvas = new OffscreenCanvas(1, 1);
  return {
    width,
    height,
    read(left, top, width, height) {
      if (canvas.width !== width || canvas.height < height) canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
      if (!context)
        throw new Error('This browser gives no canvas to a worker, which decoding photographs takes.');
      context.resetTransform();
      context.fillStyle = '#fff';
      context.fillRect(0, 0, width, height);
      context.setTransform(a, b, c, d, e - left, f - top);
      context.drawImage(bitmap, 0, 0);
      return { width, height, channels: 4, data: context.getImageData(0, 0, width, height).data };
    },
    close: () => bitmap.close(),
  };
}

function refusal({ format, width, height }: ImageHeader, name: string): string {
  if (format === 'HEIC' || format === 'TIFF') {
    return `${name} is a ${format} photograph, which this browser does not decode. Save it as JPEG and add it again.`;
  }
  return `${name} cannot be decoded: its header promises a ${format} of ${width} × ${height} pixels, but what follows is damaged or cut off.`;
}

import sharp from 'sharp';
import { decodeImage } from './decode-image.ts';

/** A picture as a small square WebP: its middle, `side` pixels wide. Throws a sentence with `name` where it cannot be decoded. */
export async function thumbnail(bytes: Uint8Array, name: string, side: number): Promise<Uint8Array> {
  const { data, width, height, channels } = await decodeImage(bytes, name, { shortSide: side });
  return sharp(data, { raw: { width, height, channels } })
    .resize(side, side, { fit: 'cover' })
    .webp({ quality: 75 })
    .toBuffer();
}

/**
 * Small WebP pictures, as `collect` writes them by the hundred thousand: libwebp in WebAssembly, on the thread that asks. libvips has the
 * same decoder and so, of a sound file, the same pixels, but sets up a pipeline around it, which takes longer than these pictures do, and
 * several threads at it hinder each other.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import decode, { init } from '@jsquash/webp/decode.js';
import type { ImageHeader } from '../clip/image-header.ts';
import type { RgbImage } from '../clip/types.ts';

/** Beyond it decoding outweighs the pipeline, and WebAssembly would keep the memory that it once needed. */
const SMALL_PIXELS = 256 * 256;
/** As many as the pixels themselves have: what is longer is no ordinary picture. */
const SMALL_BYTES = 3 * SMALL_PIXELS;

/** RIFF's and the first chunk's headers (RFC 9649, section 2.5): `RIFF`, bytes, `WEBP`, `VP8 `, bytes. */
const HEADERS = 20;
/** The last letter of the first chunk's name, `VP8 `; the others are VP8L and VP8X. */
const SPACE = 0x20;

// Where this fails it is no picture's fault, and nothing that needs it starts.
const { resolve } = createRequire(import.meta.url);
await init({ wasmBinary: await readFile(resolve('@jsquash/webp/codec/dec/webp_dec.wasm')) });

/** Whether `bytes` is small and lossy WebP and nothing else: no alpha, animation, orientation or profile, and nothing behind it. */
export function isSmallWebp(bytes: Uint8Array, { format, width, height }: ImageHeader): boolean {
  if (format !== 'WebP' || bytes[15] !== SPACE) return false;
  const chunk = new DataView(bytes.buffer, bytes.byteOffset).getUint32(16, true);
  const isWhole = HEADERS + chunk + (chunk % 2) === bytes.length;
  return isWhole && bytes.length <= SMALL_BYTES && width * height <= SMALL_PIXELS;
}

/** RGBA; a lossy picture alone has no alpha. Rejects where it is damaged. */
export async function decodeSmallWebp(bytes: Uint8Array): Promise<RgbImage> {
  const { width, height, data } = await decode(bytes);
  return { width, height, channels: 4, data };
}

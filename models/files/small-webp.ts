/**
 * Small WebP pictures, as `collect` writes them by the hundred thousand: libwebp in WebAssembly, on the thread that asks. libvips has the
 * same decoder and so the same pixels, but sets up a pipeline around it, which takes a core five times as long as decoding these does
 * and has all threads wait for the same locks.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import decode, { init } from '@jsquash/webp/decode.js';
import type { ImageHeader } from '../clip/image-header.ts';
import type { RgbImage } from '../clip/types.ts';

/** Beyond it decoding outweighs the pipeline, and WebAssembly would keep the memory that it once needed. */
const MAX_PIXELS = 256 * 256;

/** Whether `bytes` is small and lossy WebP without anything else: no alpha, animation, orientation or profile (RFC 9649, section 2.5). */
export function isSmallWebp(bytes: Uint8Array, { format, width, height }: ImageHeader): boolean {
  return format === 'WebP' && bytes[15] === SPACE && width * height <= MAX_PIXELS;
}

/** The last letter of the first chunk's name, `VP8 `; the others are VP8L and VP8X. */
const SPACE = 0x20;

/** 3 bytes a pixel. Rejects where the picture is damaged or cut off. */
export async function decodeSmallWebp(bytes: Uint8Array): Promise<RgbImage> {
  decoder ??= startDecoder();
  await decoder;
  const { width, height, data: rgba } = await decode(bytes);
  const data = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    data[to] = rgba[from];
    data[to + 1] = rgba[from + 1];
    data[to + 2] = rgba[from + 2];
  }
  return { width, height, channels: 3, data };
}

let decoder: Promise<void> | undefined;

async function startDecoder(): Promise<void> {
  const { resolve } = createRequire(import.meta.url);
  await init({ wasmBinary: await readFile(resolve('@jsquash/webp/codec/dec/webp_dec.wasm')) });
}

// A picture's bytes to upright RGB, in Node. Pixels are what Pillow reads (and what the page reads in a browser): turned by
// their EXIF orientation, alpha over white, colour profiles ignored, 16 bits cut to 8, the first frame of an animation.

import sharp, { type Sharp } from 'sharp';
import { type ImageFormat, type ImageHeader, MAX_PIXELS, readImageHeader } from '../clip/image-header.ts';
import { messageOf } from '../clip/message-of.ts';
import type { RgbImage } from '../clip/types.ts';
import { decodeSmallWebp, isSmallWebp } from './small-webp.ts';

/** What sharp's ready-made libvips leaves out: the one for its patents, the other for its age. */
const NOT_IN_SHARP: ReadonlySet<ImageFormat> = new Set(['HEIC', 'BMP']);

/** The formats that know CMYK; the others need not be asked. */
const MAY_BE_INK: ReadonlySet<ImageFormat> = new Set(['JPEG', 'TIFF']);

export interface DecodeOptions {
  /** A larger picture may come smaller, its short side this long: decoders of JPEG reach that several times sooner. */
  readonly shortSide?: number;
}

/**
 * Decodes the whole file `bytes`; 3 bytes a pixel. Throws a sentence with `name` where it is no picture, has more than
 * MAX_PIXELS (before anything is decoded), is damaged, or is of a kind that cannot be decoded here.
 */
export async function decodeImage(
  bytes: Uint8Array,
  name: string,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const header = readImageHeader(bytes, name);
  try {
    const { width, height, channels, data } = await decode(bytes, header, options);
    return { width, height, channels: 3, data: channels === 4 ? overWhite(data) : data };
  } catch (error) {
    throw new Error(refusal(header, name, error), { cause: error });
  }
}

async function decode(
  bytes: Uint8Array,
  header: ImageHeader,
  { shortSide }: DecodeOptions,
): Promise<RgbImage> {
  const comesSmaller = shortSide !== undefined && Math.min(header.width, header.height) > shortSide;
  if (isSmallWebp(bytes, header) && !comesSmaller) return decodeSmallWebp(bytes);
  const image = sharp(bytes, {
    limitInputPixels: MAX_PIXELS,
    pages: 1,
    autoOrient: true,
    ignoreIcc: true,
    // Warnings about metadata are no reason to refuse a photograph; missing rows are.
    failOn: 'truncated',
  });
  // libvips would turn inks into light by a profile of its own.
  const isInk = MAY_BE_INK.has(header.format) && (await holdsInk(image));
  if (comesSmaller) image.resize(shortSide, shortSide, { fit: 'outside', withoutEnlargement: true });
  const colours = isInk
    ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
    : image.toColourspace('srgb');
  const { data, info } = await colours.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (isInk) return { width, height, channels: 3, data: inksToRgb(data, channels) };
  return { width, height, channels: channels === 4 ? 4 : 3, data };
}

async function holdsInk(image: Sharp): Promise<boolean> {
  const { space, depth } = await image.metadata();
  return space === 'cmyk' && depth === 'uchar';
}

function overWhite(rgba: RgbImage['data']): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3];
    const white = 255 * (255 - alpha);
    for (let c = 0; c < 3; c++) rgb[to + c] = divide255(rgba[from + c] * alpha + white);
  }
  return rgb;
}

/** As Pillow and browsers do it without a profile: each ink takes away its share of what black leaves. */
function inksToRgb(cmyk: Uint8Array, channels: number): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / channels) * 3);
  for (let from = 0, to = 0; from < cmyk.length; from += channels, to += 3) {
    const light = 255 - cmyk[from + 3];
    for (let c = 0; c < 3; c++) rgb[to + c] = light - divide255(cmyk[from + c] * light);
  }
  return rgb;
}

function divide255(value: number): number {
  return Math.floor((value + 127) / 255);
}

function refusal({ format, width, height }: ImageHeader, name: string, error: unknown): string {
  if (NOT_IN_SHARP.has(format)) {
    return `${name} is a ${format} picture, which cannot be decoded here. Save it as JPEG or PNG and try again.`;
  }
  const reason = messageOf(error);
  return `${name} cannot be decoded: its header promises a ${format} of ${width} × ${height} pixels, but what follows is damaged or cut off (${reason}).`;
}

/**
 * Pictures as coarse as small ones. People drop thumbnails, and some data sets hold pictures of 32 pixels a side; a network that
 * was only ever shown sharp ones takes the blur of their enlargement for something else (Koziarski & Cyganek 2018, "Impact of low
 * resolution on image recognition with deep neural networks"). So a share of the crops loses what such a picture does not have,
 * and is enlarged as a visitor's is: from whole levels, by the same filter.
 */
import type { RgbImage } from '../clip/types.ts';
import type { Crop } from './crop.ts';
import { cropTo } from './crop-resample.ts';

/** The side that a crop is reduced to, in pixels: CIFAR's, and the usual icon's. */
export const SMALL = 32;

/** As cropTo, by way of SMALL pixels a side; where the crop or what is asked for has no more than these, by no detour. */
export function cropCoarsely(
  picture: Pick<RgbImage, 'data' | 'width' | 'height'>,
  crop: Crop,
  size: number,
  planes: Float32Array,
): void {
  if (Math.min(crop.width, crop.height, size) <= SMALL) {
    cropTo(picture, crop, size, planes);
    return;
  }
  const small = new Float32Array(3 * SMALL * SMALL);
  cropTo(picture, crop, SMALL, small);
  const whole = { left: 0, top: 0, width: SMALL, height: SMALL, flip: false };
  cropTo({ data: levels(small), width: SMALL, height: SMALL }, whole, size, planes);
}

/** Planes as the pixels of a picture: rounded, and the channels side by side. */
function levels(planes: Float32Array): Uint8Array {
  const pixels = planes.length / 3;
  const data = new Uint8Array(planes.length);
  for (let channel = 0; channel < 3; channel++)
    for (let i = 0; i < pixels; i++) data[3 * i + channel] = Math.round(planes[channel * pixels + i]);
  return data;
}

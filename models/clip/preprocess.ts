// From a picture to pixel_values, as preprocessor_config.json of a folder says: resize, centre crop, rescale, normalise.
// The order and width of every operation are those of Hugging Face's CLIPImageProcessor (numpy, float32), so that the
// result is its result; only what the crop keeps is computed at all.

import * as v from 'valibot';
import { checked, plainObject } from './checked.ts';
import { MAX_IMAGE_SIZE } from './config.ts';
import { resample, type Window } from './resample.ts';
import type { PixelSource, Preprocessing, RgbImage } from './types.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

const side = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_IMAGE_SIZE));
const exactly = v.strictObject({ width: side, height: side });
const shortestEdge = v.strictObject({ shortest_edge: side });
/** Where the file says nothing or null, CLIPImageProcessor's default holds. */
const flag = v.nullish(v.boolean(), true);
/** What other processors do and CLIP's does not; nothing here would obey it. */
const never = v.nullish(v.literal(false, 'expected false: CLIP’s processor has no such step'));
/** As float32, in which they are used. */
const channels = (inRange: (value: number) => boolean, expected: string) => {
  const value = v.pipe(
    v.number(),
    v.check(
      (number) => Number.isFinite(Math.fround(number)) && inRange(Math.fround(number)),
      (issue) => `expected ${expected} in float32, but found ${issue.received}`,
    ),
  );
  return v.tuple([value, value, value]);
};

const PreprocessorFile = plainObject({
  do_resize: flag,
  size: v.nullish(
    v.union(
      [side, shortestEdge, exactly],
      `expected a number, {shortest_edge} or {height, width}, each from 1 to ${MAX_IMAGE_SIZE}`,
    ),
    { shortest_edge: 224 },
  ),
  resample: v.nullish(
    v.picklist(
      [2, 3],
      (issue) =>
        `expected 2 (bilinear) or 3 (bicubic) as Pillow numbers its filters, but found ${issue.received}`,
    ),
    3,
  ),
  do_center_crop: flag,
  crop_size: v.nullish(
    v.union([side, exactly], `expected a number or {height, width}, each from 1 to ${MAX_IMAGE_SIZE}`),
    224,
  ),
  do_rescale: flag,
  rescale_factor: v.nullish(v.pipe(v.number(), v.finite(), v.gtValue(0)), 1 / 255),
  do_normalize: flag,
  image_mean: v.nullish(
    channels(() => true, 'a number'),
    [0.48145466, 0.4578275, 0.40821073],
  ),
  image_std: v.nullish(
    channels((value) => value > 0, 'a number above 0'),
    [0.26862954, 0.26130258, 0.27577711],
  ),
  do_flip_channel_order: never,
  do_pad: never,
  do_thumbnail: never,
});

/**
 * Checks a preprocessor_config.json; throws a sentence with `fileName`, the field and the reason. A folder whose pictures
 * would come out in different sizes is refused, since no vision transformer could take them.
 */
export function parsePreprocessorConfig(json: unknown, fileName = 'preprocessor_config.json'): Preprocessing {
  const file = checked(PreprocessorFile, json, fileName);
  const resize = file.do_resize ? asResize(file.size) : null;
  const crop = file.do_center_crop ? asSize(file.crop_size) : resize;
  if (crop === null || 'shortestEdge' in crop) {
    throw new Error(
      `${fileName} was refused: pictures of different shapes would come out in different sizes; expected do_center_crop, or size as {height, width}.`,
    );
  }
  return {
    resize,
    crop,
    resample: file.resample === 3 ? 'bicubic' : 'bilinear',
    rescaleFactor: file.do_rescale ? file.rescale_factor : 1,
    mean: file.do_normalize ? file.image_mean : [0, 0, 0],
    std: file.do_normalize ? file.image_std : [1, 1, 1],
  };
}

/** What a preprocessor_config.json says, for Hugging Face's processor and ours, of pictures that become squares of `size` pixels. */
export function preprocessorConfig(
  size: number,
  { mean, std, resample }: Partial<Pick<Preprocessing, 'mean' | 'std' | 'resample'>> = {},
) {
  const standard = parsePreprocessorConfig({});
  return {
    crop_size: { height: size, width: size },
    do_center_crop: true,
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: mean ?? standard.mean,
    image_processor_type: 'CLIPImageProcessor',
    image_std: std ?? standard.std,
    resample: resample === 'bilinear' ? 2 : 3,
    rescale_factor: 1 / 255,
    size: { shortest_edge: size },
  };
}

/** A bare number is the shortest edge for `size`, and both sides for `crop_size`. */
function asResize(size: number | Size | { shortest_edge: number }): NonNullable<Preprocessing['resize']> {
  if (typeof size === 'number') return { shortestEdge: size };
  return 'shortest_edge' in size ? { shortestEdge: size.shortest_edge } : size;
}

function asSize(size: number | Size): Size {
  return typeof size === 'number' ? { width: size, height: size } : size;
}

/** Size of the pixel_values that `preprocess` makes. */
export function imageSize(preprocessing: Preprocessing): Size {
  return preprocessing.crop;
}

/**
 * Writes one picture's pixel_values, planar [3, height, width], into `out` from `offset` on, and returns `out`. A crop that
 * is larger than the resized picture is filled up with black before normalising, as CLIPImageProcessor does.
 */
export function preprocess(
  image: RgbImage | PixelSource,
  preprocessing: Preprocessing,
  out: Float32Array<ArrayBuffer> = new Float32Array(3 * preprocessing.crop.width * preprocessing.crop.height),
  offset = 0,
): Float32Array<ArrayBuffer> {
  const { crop } = preprocessing;
  const whole = resizedSize(image, preprocessing.resize);
  const left = Math.floor((whole.width - crop.width) / 2);
  const top = Math.floor((whole.height - crop.height) / 2);
  const window: Window = {
    left: Math.max(0, left),
    top: Math.max(0, top),
    width: Math.min(whole.width, crop.width),
    height: Math.min(whole.height, crop.height),
  };
  const { data } = resample(image, whole.width, whole.height, preprocessing.resample, window);
  const plane = crop.width * crop.height;
  const inset = (window.top - top) * crop.width + (window.left - left);
  for (let channel = 0; channel < 3; channel++) {
    const values = valuesOfLevels(preprocessing, channel);
    const start = offset + channel * plane;
    if (window.width * window.height < plane) out.fill(values[0], start, start + plane);
    for (let y = 0; y < window.height; y++) {
      const to = start + inset + y * crop.width;
      const from = y * window.width * 3 + channel;
      for (let x = 0; x < window.width; x++) out[to + x] = values[data[from + 3 * x]];
    }
  }
  return out;
}

/** The picture's size after resizing; the long side is truncated, as Hugging Face and torchvision do. */
function resizedSize({ width, height }: Size, resize: Preprocessing['resize']): Size {
  if (resize === null) return { width, height };
  if (!('shortestEdge' in resize)) return resize;
  const { shortestEdge } = resize;
  return width <= height
    ? { width: shortestEdge, height: Math.trunc((shortestEdge * height) / width) }
    : { width: Math.trunc((shortestEdge * width) / height), height: shortestEdge };
}

/** What each of the 256 levels of a channel becomes: rescaled in float64, all else in float32, as numpy does it. */
function valuesOfLevels({ rescaleFactor, mean, std }: Preprocessing, channel: number): Float32Array {
  const { fround } = Math;
  return Float32Array.from({ length: 256 }, (_, level) => {
    return fround(fround(level * rescaleFactor) - fround(mean[channel])) / fround(std[channel]);
  });
}

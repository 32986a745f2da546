// Some devices answer wrongly in silence. selftest.json holds, for each precision, the vectors that a sound CPU gives for a
// picture made by a recipe and for one prompt; a device must come near them with the same precision's weights, or it is
// passed over. How near a precision is to fp32 is another question, judged once, at export. For a folder that brings none the
// page makes one on the device that holds it (app/inference/reference.ts).

import * as v from 'valibot';
import { checked, noList, plainObject } from './checked.ts';
import { PRECISIONS } from './encoder-files.ts';
import { imageSize } from './preprocess.ts';
import type { Precision, Preprocessing, RgbImage } from './types.ts';

/** Its name in a model folder. */
export const SELF_TEST = 'selftest.json';

/** The least cosine with the stored vectors: rounding costs 1e-6, a wrong kernel 1e-1. */
export const SELF_TEST_FLOOR = 0.999;

/** Grey levels by which noise moves the gradients, up or down. */
const NOISE = 64;

/** Export makes pictures of twice the model's side, 896 pixels for the largest published one; this much is made in a tenth of a second. */
const MAX_SIDE = 2048;
const side = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_SIDE));
const vector = v.pipe(v.array(v.number()), v.minLength(1));

const SelfTestFile = plainObject({
  image: v.object({
    recipe: v.literal('gradient-noise'),
    seed: v.pipe(v.number(), v.integer()),
    width: side,
    height: side,
  }),
  prompt: v.string(),
  madeOnDevice: v.optional(v.boolean()),
  vectors: v.pipe(
    noList,
    v.record(
      v.picklist(PRECISIONS, 'Expected the name of a precision'),
      v.object({ image_embeds: vector, text_embeds: vector }),
    ),
  ),
});

export type SelfTestRecipe = v.InferOutput<typeof SelfTestFile>['image'];

/** selftest.json, checked. */
export interface SelfTest {
  readonly image: SelfTestRecipe;
  readonly prompt: string;
  /** The vectors are what WebAssembly gave where the folder lies, which brought none: no check of WebAssembly itself. */
  readonly madeOnDevice?: boolean;
  readonly vectors: Partial<Record<Precision, SelfTestVectors>>;
}

/** Unit vectors. */
export interface SelfTestVectors {
  readonly image_embeds: readonly number[];
  readonly text_embeds: readonly number[];
}

/** What a new self-test asks of a model. The picture is neither square nor of the model's size, so that its preprocessing shows. */
export function selfTestQuestion(preprocessing: Preprocessing): Pick<SelfTest, 'image' | 'prompt'> {
  const { width, height } = imageSize(preprocessing);
  return {
    image: { recipe: 'gradient-noise', seed: 1, width: 2 * width, height: height + 16 },
    prompt: 'a photo of a cat',
  };
}

/** A sound device's answer, of unit vectors, to be written down. */
export function selfTestVectors(image: Float32Array, text: Float32Array): SelfTestVectors {
  return { image_embeds: rounded(image), text_embeds: rounded(text) };
}

/** Seven digits: float32 has no more. */
function rounded(vector: Float32Array): number[] {
  return Array.from(vector, (value) => Number(value.toPrecision(7)));
}

/** Checks a selftest.json; throws a sentence with `fileName` and the reason. */
export function parseSelfTest(json: unknown, fileName: string): SelfTest {
  return checked(SelfTestFile, json, fileName);
}

/**
 * The recipe's picture: red rises to the right, green downwards, blue falls along the diagonal, and each value is moved by
 * seeded white noise, so that every frequency is there. Integers alone, so that all machines make the same bytes.
 */
export function selfTestImage({ seed, width, height }: SelfTestRecipe): RgbImage {
  const data = new Uint8ClampedArray(3 * width * height);
  const ramp = (at: number, length: number) => (length > 1 ? Math.floor((255 * at) / (length - 1)) : 0);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const levels = [ramp(x, width), ramp(y, height), 255 - ramp(x + y, width + height - 1)];
      for (const level of levels) {
        data[i] = level + (mixed(seed, i) % (2 * NOISE + 1)) - NOISE;
        i++;
      }
    }
  }
  return { width, height, channels: 3, data };
}

/**
 * The smaller cosine of a device's two vectors with the stored ones of its precision: at least SELF_TEST_FLOOR on a sound
 * device, -1 for a vector without direction. Null where the file has none of that precision.
 */
export function checkSelfTest(
  selfTest: SelfTest,
  precision: Precision,
  image_embeds: Float32Array,
  text_embeds: Float32Array,
): number | null {
  const expected = selfTest.vectors[precision];
  if (!expected) return null;
  return Math.min(
    similarity(expected.image_embeds, image_embeds),
    similarity(expected.text_embeds, text_embeds),
  );
}

function similarity(expected: readonly number[], found: Float32Array): number {
  if (expected.length !== found.length) return -1;
  let product = 0;
  let expectedSquares = 0;
  let foundSquares = 0;
  for (const [i, value] of expected.entries()) {
    product += value * found[i];
    expectedSquares += value * value;
    foundSquares += found[i] * found[i];
  }
  const cosine = product / Math.sqrt(expectedSquares * foundSquares);
  return Number.isFinite(cosine) ? cosine : -1;
}

/** 32 well-mixed bits of a position under a seed (the finaliser of MurmurHash3). */
function mixed(seed: number, position: number): number {
  let h = Math.imul(seed, 0x9e3779b1) + position;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

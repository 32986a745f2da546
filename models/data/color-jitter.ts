/**
 * Brightness, contrast, saturation and hue as other cameras, lamps and painters have them: torchvision's ColorJitter, which
 * open_clip applies after the crop with --aug-cfg color_jitter_prob. By how much is what CLIPA trains with (Li et al. 2023, "An
 * inverse scaling law for CLIP training": color_jitter='(0.32, 0.32, 0.32, 0.08)', there for 0.8 of the pictures).
 */
import { permutation, type Random } from './random.ts';

/** 0 leaves no brightness, contrast or saturation, 1 leaves all; a hue goes so many turns around the circle of colours. */
export type Change = readonly [kind: 'brightness' | 'contrast' | 'saturation' | 'hue', amount: number];

/** Weights of ITU-R BT.601, as Pillow's `convert('L')` has them. */
const LUMA = [0.299, 0.587, 0.114] as const;

/** One change of each kind, in the order in which they are made. */
export function drawColorJitter(random: Random): Change[] {
  const order = permutation(4, random);
  const within = (most: number) => most * (2 * random() - 1);
  const changes: Change[] = [
    ['brightness', 1 + within(0.32)],
    ['contrast', 1 + within(0.32)],
    ['saturation', 1 + within(0.32)],
    ['hue', within(0.08)],
  ];
  return Array.from(order, (place) => changes[place]);
}

/** In place, on [3, pixels] of 0 … 255; what goes beyond black and white is cut off after each change. */
export function changeColors(planes: Float32Array, changes: readonly Change[]): void {
  for (const [kind, amount] of changes) {
    if (kind === 'hue') turnHue(planes, amount);
    else if (kind === 'saturation') blendLuma(planes, amount);
    else blend(planes, kind === 'contrast' ? meanLuma(planes) : 0, amount);
  }
}

/** In place: every channel becomes the luma. */
export function grayScale(planes: Float32Array): void {
  blendLuma(planes, 0);
}

const level = (value: number) => (value < 0 ? 0 : value > 255 ? 255 : value);

/** [pixels] */
function lumaOf(planes: Float32Array): Float64Array {
  const size = planes.length / 3;
  const luma = new Float64Array(size);
  for (let i = 0; i < size; i++)
    luma[i] = LUMA[0] * planes[i] + LUMA[1] * planes[size + i] + LUMA[2] * planes[2 * size + i];
  return luma;
}

function meanLuma(planes: Float32Array): number {
  const luma = lumaOf(planes);
  return luma.reduce((sum, value) => sum + value, 0) / luma.length;
}

function blend(planes: Float32Array, other: number, share: number): void {
  const rest = (1 - share) * other;
  for (let i = 0; i < planes.length; i++) planes[i] = level(share * planes[i] + rest);
}

function blendLuma(planes: Float32Array, share: number): void {
  const luma = lumaOf(planes);
  for (let from = 0; from < planes.length; from += luma.length)
    for (let i = 0; i < luma.length; i++)
      planes[from + i] = level(share * planes[from + i] + (1 - share) * luma[i]);
}

/** By way of hue, saturation and value, of which the latter two stay: so do each pixel's largest and smallest channel. */
function turnHue(planes: Float32Array, turns: number): void {
  const size = planes.length / 3;
  for (let i = 0; i < size; i++) {
    const r = planes[i];
    const g = planes[size + i];
    const b = planes[2 * size + i];
    const most = Math.max(r, g, b);
    const range = most - Math.min(r, g, b);
    if (range === 0) continue;
    // In sixths of the circle: red at 0, green at 2, blue at 4.
    const hue = most === r ? (g - b) / range : most === g ? 2 + (b - r) / range : 4 + (r - g) / range;
    const turned = hue + 6 * turns;
    planes[i] = most - range * lack(turned);
    planes[size + i] = most - range * lack(turned - 2);
    planes[2 * size + i] = most - range * lack(turned - 4);
  }
}

/** What a channel lacks of a pure colour: nothing within a sixth of its own hue, all beyond two. */
function lack(sixths: number): number {
  const apart = Math.abs(sixths - 6 * Math.round(sixths / 6));
  return apart < 1 ? 0 : apart > 2 ? 1 : apart - 1;
}

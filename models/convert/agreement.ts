// How near one set of vectors is to another, and the pictures and prompts by which export asks that of a precision: the
// folder's own templates over everyday labels, and pictures made from a recipe, from flat colours to noise.

import { fillTemplate } from '../clip/prompts.ts';
import { cosine } from '../clip/ranking.ts';
import { selfTestImage } from '../clip/selftest.ts';
import type { RgbImage } from '../clip/types.ts';

export interface Agreement {
  readonly mean: number;
  readonly min: number;
}

/** Cosines of unit vectors, pair by pair. */
export function agreement(expected: readonly Float32Array[], found: readonly Float32Array[]): Agreement {
  const cosines = expected.map((vector, i) => cosine(vector, found[i]));
  return {
    mean: cosines.reduce((sum, value) => sum + value, 0) / cosines.length,
    min: Math.min(...cosines),
  };
}

const LABELS = [
  'cat',
  'dog',
  'horse',
  'owl',
  'bear',
  'jellyfish',
  'flower',
  'tree',
  'forest',
  'mountain',
  'beach',
  'river',
  'street',
  'bridge',
  'kitchen',
  'bedroom',
  'car',
  'train',
  'bicycle',
  'aeroplane',
  'pizza',
  'apple',
  'loaf of bread',
  'cup of coffee',
  'person',
  'crowd',
  'football player',
  'book',
  'computer',
  'guitar',
  'red thing',
  'very old photograph of a family',
];

/** A label a prompt; each template takes its turn. */
export function probePrompts(templates: readonly string[]): string[] {
  return LABELS.map((label, i) => fillTemplate(templates[i % templates.length], label));
}

const PICTURES = 24;

/** Pictures whose sides grow from 8 to 376 pixels: the small ones come out smooth, in the large ones the noise averages out. */
export function probePictures(): RgbImage[] {
  return Array.from({ length: PICTURES }, (_, i) =>
    selfTestImage({
      recipe: 'gradient-noise',
      seed: 100 + i,
      width: 8 + 16 * i,
      height: 8 + 8 * ((5 * i) % PICTURES),
    }),
  );
}

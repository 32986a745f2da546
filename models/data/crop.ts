/**
 * The random crop that a picture is trained with: a near-square of part of the picture, stretched to the network's square,
 * perhaps mirrored. Its aspect ratio is jittered, since some sources squashed their pictures and visitors' cameras don't.
 */
import type { Random } from './random.ts';

export interface Augmentation {
  /** The crop's area as a share of the largest square's (short side squared): least and most. */
  readonly cropScale: readonly [least: number, most: number];
  /** Width over height of what is cropped: least and most. */
  readonly aspectRatio: readonly [least: number, most: number];
  /** The share of crops that are mirrored. */
  readonly flipProb: number;
}

/** In pixels of the upright picture; fractions are kept, since the picture is scaled before it is cropped. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly flip: boolean;
}

export function drawCrop(width: number, height: number, augmentation: Augmentation, random: Random): Crop {
  const { cropScale, aspectRatio, flipProb } = augmentation;
  const between = (least: number, most: number) => least + (most - least) * random();
  const side = Math.min(width, height) * Math.sqrt(between(...cropScale));
  // Drawn on a logarithmic scale: wider is as likely as taller.
  const stretch = Math.exp(between(Math.log(aspectRatio[0]), Math.log(aspectRatio[1])) / 2);
  const cropWidth = Math.min(width, side * stretch);
  const cropHeight = Math.min(height, side / stretch);
  return {
    left: between(0, width - cropWidth),
    top: between(0, height - cropHeight),
    width: cropWidth,
    height: cropHeight,
    flip: random() < flipProb,
  };
}

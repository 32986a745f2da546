// What the main thread and a decoding worker tell each other. Types only.
import type { RgbImage } from '../clip/types.ts';
import type { Augmentation } from './crop.ts';

export interface DecodeSettings extends Augmentation {
  /** Side of the square that pictures are decoded to, in pixels. */
  readonly imageSize: number;
  /** Per channel: (value / 255 - mean) / std. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly seed: number;
  /** The share of pictures whose colours are changed a little. */
  readonly colorJitterProb: number;
  /** The share of pictures that are shown in shades of grey. */
  readonly grayScaleProb: number;
  /** The share of pictures that are shown as coarse as small ones are. */
  readonly lowResProb: number;
}

export interface DecodeJob {
  readonly epoch: number;
  readonly rows: readonly number[];
  /** What each row is called in messages. */
  readonly names: readonly string[];
  /** The picture of each row: encoded, or decoded before and kept. */
  readonly images: readonly (Uint8Array | RgbImage)[];
}

export interface DecodeResult {
  /** [rows, 3, imageSize, imageSize]; zeros where a picture is damaged. */
  readonly pixel_values: Float32Array<ArrayBuffer>;
  /** What came encoded, by its place in `rows`; its bytes lie in memory that all threads see. */
  readonly decoded: readonly { readonly place: number; readonly picture: RgbImage }[];
  /** Places in `rows` whose picture cannot be decoded, and why in a sentence that names the row. */
  readonly damaged: readonly { readonly place: number; readonly reason: string }[];
}

// Pictures of class folders in other people's repositories, made into one small parquet file a source: upright, cropped to a less
// oblong shape, short side limited, and without whatever equals or nearly equals a picture that is measured by. And pictures with words
// that lie here already, without that too.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import * as v from 'valibot';
import { text } from '../clip/checked.ts';
import { messageOf } from '../clip/message-of.ts';
import { isPlainName } from '../clip/plain-path.ts';
import type { RgbImage } from '../clip/types.ts';
import { decodeImage } from '../files/decode-image.ts';
import { readNamedFile } from '../files/folder.ts';
import { type Fingerprint, findNear, fingerprint } from './near-duplicates.ts';
import { findPictures } from './picture-paths.ts';
import { soundRow } from './sound-rows.ts';
import type { PairRow, PairSource } from './types.ts';

export const SourceRecipe = v.object({
  /** The data set's name, as rows, cards and files give it. */
  source: v.pipe(text, v.check(isPlainName, 'a name of letters, digits, dots and dashes was expected')),
  /** owner/name on GitHub; looked for in a folder of that name. */
  repository: text,
  /** Patterns; see picture-paths.ts. */
  pictures: v.pipe(v.array(text), v.minLength(1)),
  /** A file of the repository with lines `<class>\t<name>, <synonym> …`. */
  namesFile: v.optional(text),
  /** Names of classes, "fine; coarse"; a class without one goes by its own name. An empty name leaves a class out. */
  names: v.optional(v.record(v.string(), v.string()), {}),
  /** What its licence or authors allow, for the card. */
  terms: text,
});
export type SourceRecipe = v.InferOutput<typeof SourceRecipe>;

export interface CollectedRow {
  /** WebP. */
  readonly image: Uint8Array;
  readonly label: string;
}

export interface Collected {
  readonly rows: readonly CollectedRow[];
  readonly found: number;
  /** Of classes that the recipe leaves out. */
  readonly leftOut: number;
  readonly damaged: number;
  /** Equal or nearly equal to a picture that is measured by. */
  readonly dropped: number;
  /** With the same fingerprint as a picture of the same source that came before. */
  readonly repeated: number;
}

/** Longest side over shortest that is kept; what lies beyond is seldom what the label is about. */
const MOST_OBLONG = 1.5;
const WEBP_QUALITY = 85;
/** Pictures under way at once: libvips decodes them on threads of its own. */
const AT_ONCE = 16;

export interface CollectOptions {
  /** In pixels; smaller pictures stay as they are. */
  readonly shortSide: number;
  readonly measuredBy: readonly Fingerprint[];
  /** Told of each picture that cannot be decoded, in a sentence that names the file. */
  readonly onDamaged?: (message: string) => void;
}

export async function collect(
  folder: string,
  recipe: SourceRecipe,
  { shortSide, measuredBy, onDamaged = console.warn }: CollectOptions,
): Promise<Collected> {
  const names = await namesOf(folder, recipe);
  const pictures = (
    await Promise.all(recipe.pictures.map((pattern) => findPictures(folder, pattern)))
  ).flat();
  const wanted = pictures.flatMap(({ path, className }) => {
    const label = names.get(className) ?? className.toLowerCase();
    return label === '' ? [] : [{ path, label }];
  });
  const rows: CollectedRow[] = [];
  const counts = { damaged: 0, dropped: 0, repeated: 0 };
  const seen = new Set<string>();
  for (let start = 0; start < wanted.length; start += AT_ONCE) {
    const part = wanted.slice(start, start + AT_ONCE);
    const made = await Promise.all(part.map(({ path }) => shrink(join(folder, path), shortSide, onDamaged)));
    for (const [i, picture] of made.entries()) {
      if (picture === null) counts.damaged++;
      else if (findNear(measuredBy, picture.print) >= 0) counts.dropped++;
      else if (seen.has(keyOf(picture.print))) counts.repeated++;
      else {
        seen.add(keyOf(picture.print));
        rows.push({ image: picture.image, label: part[i].label });
      }
    }
  }
  return { rows, found: pictures.length, leftOut: pictures.length - wanted.length, ...counts };
}

export interface Checked {
  /** As they are, in their order. */
  readonly rows: readonly PairRow[];
  readonly damaged: number;
  /** Equal or nearly equal to a picture that is measured by. */
  readonly dropped: number;
}

/** A source's rows without what is measured by. */
export async function withoutMeasured(
  source: PairSource,
  { measuredBy, onDamaged = console.warn }: Pick<CollectOptions, 'measuredBy' | 'onDamaged'>,
): Promise<Checked> {
  const rows: PairRow[] = [];
  const counts = { damaged: 0, dropped: 0 };
  for (let index = 0; index < source.length; index++) {
    const found = await soundRow(source, index);
    if ('reason' in found) {
      onDamaged(`Leaving out a picture: ${found.reason}`);
      counts.damaged++;
    } else if (findNear(measuredBy, fingerprint(found.picture)) >= 0) counts.dropped++;
    else rows.push(found.row);
  }
  return { rows, ...counts };
}

/** Fingerprints of everything that is measured by; no picture there may be damaged. */
export async function fingerprints(source: PairSource): Promise<Fingerprint[]> {
  const prints: Fingerprint[] = [];
  for (let index = 0; index < source.length; index++) {
    const { id, image } = await source.row(index);
    prints.push(fingerprint(await decodeImage(image, id)));
  }
  return prints;
}

/** Within a source only the same view counts: its pictures of one thing are often nearly equal. */
function keyOf([{ high, low, colours }]: Fingerprint): string {
  return `${high},${low},${colours}`;
}

async function namesOf(folder: string, { namesFile, names }: SourceRecipe): Promise<Map<string, string>> {
  const result = new Map<string, string>();
  if (namesFile !== undefined) {
    const lines = new TextDecoder()
      .decode(await readNamedFile(join(folder, namesFile), 'The recipe names it as namesFile.'))
      .split('\n');
    for (const line of lines) {
      const [className, listed] = line.trim().split('\t');
      if (listed !== undefined) result.set(className, listed.split(', ').join('; ').toLowerCase());
    }
  }
  for (const [className, name] of Object.entries(names)) result.set(className, name);
  return result;
}

async function shrink(
  path: string,
  shortSide: number,
  onDamaged: (message: string) => void,
): Promise<{ image: Uint8Array; print: Fingerprint } | null> {
  const bytes = await readFile(path);
  let picture: RgbImage;
  try {
    picture = await decodeImage(bytes, path, { shortSide });
  } catch (error) {
    onDamaged(`Leaving out a picture: ${messageOf(error)}`);
    return null;
  }
  const cropped = lessOblong(picture);
  const image = await sharp(cropped.data, { raw: cropped }).webp({ quality: WEBP_QUALITY }).toBuffer();
  return { image, print: fingerprint(picture) };
}

/** The middle of a picture that is too oblong. */
function lessOblong({ data, width, height }: RgbImage): RgbImage {
  const most = Math.floor(Math.min(width, height) * MOST_OBLONG);
  const [w, h] = [Math.min(width, most), Math.min(height, most)];
  if (w === width && h === height) return { data, width, height, channels: 3 };
  const [left, top] = [(width - w) >> 1, (height - h) >> 1];
  const cropped = new Uint8Array(w * h * 3);
  for (let y = 0; y < h; y++) {
    const from = 3 * ((top + y) * width + left);
    cropped.set(data.subarray(from, from + 3 * w), 3 * y * w);
  }
  return { data: cropped, width: w, height: h, channels: 3 };
}

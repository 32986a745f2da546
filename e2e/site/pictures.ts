// Pictures to drop on the page: real photographs where ../shared/photos is there, and made ones.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import sharp from 'sharp';
import { selfTestImage } from '../../models/clip/selftest.ts';

const PHOTOS = '../shared/photos';
const MADE = 'test-results/pictures';
/** What the labels are where nobody says what the pictures show. */
const WORDS = ['cat', 'dog', 'flower', 'bus', 'banana', 'bear', 'owl', 'forest', 'boat', 'hot dog'];

export interface Photographs {
  readonly paths: readonly string[];
  readonly names: readonly string[];
  /** Ten at most, of what the photographs show. */
  readonly labels: readonly string[];
}

/** Photographs with labels for them: real ones where they are there, otherwise made ones of all kinds of sizes. */
export async function photographs(count: number): Promise<Photographs> {
  const paths = existsSync(PHOTOS) ? realPhotographs(count) : await madePhotographs(count);
  return { paths, names: paths.map((path) => basename(path)), labels: labelsFor(paths) };
}

function realPhotographs(count: number): string[] {
  const names = readdirSync(PHOTOS).filter((name) => name.endsWith('.jpg'));
  return names
    .sort()
    .slice(0, count)
    .map((name) => `${PHOTOS}/${name}`);
}

async function madePhotographs(count: number): Promise<string[]> {
  await mkdir(MADE, { recursive: true });
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    const path = `${MADE}/made-${String(i).padStart(2, '0')}.jpg`;
    await writeFile(path, await picture(i, 400 + 37 * i, 300 + 53 * (i % 7), 'jpeg'));
    paths.push(path);
  }
  return paths;
}

function labelsFor(paths: readonly string[]): readonly string[] {
  const file = `${PHOTOS}/labels.json`;
  if (!existsSync(file)) return WORDS;
  const known: Record<string, string[]> = JSON.parse(readFileSync(file, 'utf8'));
  return [...new Set(paths.map((path) => known[basename(path)]?.[0] ?? WORDS[0]))].slice(0, 10);
}

/** A picture that differs from every other seed's: a gradient in colours of its own under noise. */
export async function picture(
  seed: number,
  width: number,
  height: number,
  format: 'jpeg' | 'png' | 'webp' = 'jpeg',
): Promise<Buffer> {
  const { data } = selfTestImage({ recipe: 'gradient-noise', seed, width, height });
  const raw = sharp(data, { raw: { width, height, channels: 3 } });
  return raw
    .modulate({ hue: (seed * 47) % 360, brightness: 0.6 + (seed % 5) / 6 })
    [format]()
    .toBuffer();
}

/** A file as Playwright hands it to the page. */
export interface UploadedFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** `count` small pictures, no two alike. */
export async function smallPictures(count: number, firstSeed = 1): Promise<UploadedFile[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => ({
      name: `picture-${String(i + 1).padStart(3, '0')}.jpg`,
      mimeType: 'image/jpeg',
      buffer: await picture(firstSeed + i, 48, 36),
    })),
  );
}

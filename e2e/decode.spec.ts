// app/inference/decode.ts in a real browser, against the pixels that Pillow reads (models/files/fixtures/pictures.json, made by
// `/usr/bin/python3 models/files/fixtures/make-pictures.py`), and whole photographs against Node.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { parsePreprocessorConfig, preprocess } from '../models/clip/preprocess.ts';
import { decodeImage } from '../models/files/decode-image.ts';
import { openWorker } from './workers/bundle.ts';
import type { Answer, Question } from './workers/decode.ts';

interface Expected {
  readonly width: number;
  readonly height: number;
  readonly tolerance: number;
  readonly rgb: string;
}

const FIXTURES = new URL('../models/files/fixtures/', import.meta.url);
const PHOTOS = '../shared/photos/';
const entry = new URL('workers/decode.ts', import.meta.url);
const pictures: Record<string, Expected> = JSON.parse(
  readFileSync(new URL('pictures.json', FIXTURES), 'utf8'),
);
const picture = (name: string) => new Uint8Array(readFileSync(new URL(`pictures/${name}`, FIXTURES)));

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

test("pictures of every kind come out as Pillow's pixels", async ({ page }) => {
  const names = Object.keys(pictures).filter((name) => !name.endsWith('.tif'));
  const files = Object.fromEntries(names.map((name) => [`/${name}`, picture(name)]));
  const ask = await openWorker<Question, Answer>(page, entry, files);
  for (const name of names) {
    const { width, height, rgb, tolerance } = pictures[name];
    const answer = await ask({ path: `/${name}`, name });
    expect(answer, name).toMatchObject({ error: null, width, height });
    if (answer.error !== null) continue;
    const expected = Buffer.from(rgb, 'base64');
    expect(answer.rgb.length, name).toBe(expected.length);
    expect(furthest(answer.rgb, expected), name).toBeLessThanOrEqual(tolerance);
  }
});

test('what cannot be decoded is refused in a sentence with its name', async ({ page }) => {
  const wall = picture('alpha.png');
  new DataView(wall.buffer).setUint32(16, 50_000);
  new DataView(wall.buffer).setUint32(20, 2_001);
  const cut = picture('orientation-1.jpg');
  const heic = Uint8Array.from(Buffer.from('0000001466747970686569630000000068656963', 'hex'));
  const ipco = Buffer.from('000000146973706500000000000002800000 01e0'.replace(' ', ''), 'hex');
  const nest = (type: string, content: Uint8Array, before = 0) => {
    const box = Buffer.alloc(8 + before + content.length);
    box.writeUInt32BE(box.length);
    box.write(type, 4, 'latin1');
    box.set(content, 8 + before);
    return box;
  };
  const ask = await openWorker<Question, Answer>(page, entry, {
    '/notes.txt': new TextEncoder().encode('Dear Sir, we have'),
    '/wall.png': wall,
    '/cut.jpg': cut.subarray(0, cut.length - 60),
    '/scan.tif': picture('orientation-6.tif'),
    '/holiday.heic': Buffer.concat([heic, nest('meta', nest('iprp', nest('ipco', ipco)), 4)]),
  });
  const refusals = {
    'notes.txt':
      'notes.txt is not a photograph that can be read: it is text that begins "Dear Sir, we have".',
    'wall.png': 'wall.png is too large: 50000 × 2001 pixels; at most 100 megapixels',
    'cut.jpg':
      'cut.jpg cannot be decoded: its header promises a JPEG of 12 × 8 pixels, but what follows is damaged',
    'scan.tif': 'scan.tif is a TIFF photograph, which this browser does not decode. Save it as JPEG',
    'holiday.heic': 'holiday.heic is a HEIC photograph, which this browser does not decode. Save it as JPEG',
  };
  for (const [name, sentence] of Object.entries(refusals)) {
    expect((await ask({ path: `/${name}`, name })).error, name).toContain(sentence);
  }
});

test("photographs become the same pixel_values as Node's", async ({ page }) => {
  test.skip(!existsSync(PHOTOS), '../shared/photos is not there');
  const names = readdirSync(PHOTOS)
    .filter((name) => name.endsWith('.jpg'))
    .slice(0, 12);
  const files = Object.fromEntries(
    names.map((name) => [`/${name}`, new Uint8Array(readFileSync(PHOTOS + name))]),
  );
  const ask = await openWorker<Question, Answer>(page, entry, files);
  const preprocessing = parsePreprocessorConfig({ size: 32, crop_size: 32 });
  for (const name of names) {
    const answer = await ask({ path: `/${name}`, name });
    expect(answer.error, name).toBeNull();
    if (answer.error !== null) continue;
    const node = preprocess(await decodeImage(files[`/${name}`], name), preprocessing);
    // Two of 255 levels, for JPEG decoders of different makes.
    expect(furthest(answer.pixelValues, node), name).toBeLessThan(2 / 255 / 0.26);
  }
});

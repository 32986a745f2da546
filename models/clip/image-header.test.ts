import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { imageFormat, MAX_PIXELS, readImageHeader } from './image-header.ts';

const blank = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#48a' } });

const ENCODERS: Record<string, (image: Sharp) => Sharp> = {
  JPEG: (image) => image.jpeg(),
  'JPEG, progressive': (image) => image.jpeg({ progressive: true }),
  'JPEG with EXIF and a profile': (image) =>
    image.withMetadata({ orientation: 6 }).withIccProfile('p3').jpeg(),
  PNG: (image) => image.png(),
  'WebP, lossy': (image) => image.webp(),
  'WebP, lossless': (image) => image.webp({ lossless: true }),
  'WebP, extended': (image) => image.withMetadata({ orientation: 6 }).webp(),
  GIF: (image) => image.gif(),
  TIFF: (image) => image.tiff(),
  BigTIFF: (image) => image.tiff({ bigtiff: true }),
  AVIF: (image) => image.avif({ effort: 0 }),
};

const ascii = (text: string) => [...text].map((character) => character.charCodeAt(0));
const uint32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const box = (type: string, ...content: number[][]) => {
  const body = content.flat();
  return [...uint32(body.length + 8), ...ascii(type), ...body];
};
const ispe = (width: number, height: number) => box('ispe', uint32(0), uint32(width), uint32(height));

/** As a telephone writes it: a thumbnail, 512-pixel tiles and the whole. */
const heic = (width: number, height: number, brands = ['mif1', 'heic']) =>
  Uint8Array.from([
    ...box('ftyp', ascii(brands[0]), uint32(0), ...brands.map(ascii)),
    ...box(
      'meta',
      uint32(0),
      box('hdlr', uint32(0), uint32(0), ascii('pict')),
      box('iprp', box('ipco', box('hvcC', uint32(1)), ispe(512, 512), ispe(width, height), ispe(320, 240))),
    ),
    ...box('mdat', uint32(7)),
  ]);

/** Windows' and OS/2's headers; the first has its rows from the top. */
const bmp = (width: number, height: number) => {
  const view = new DataView(new ArrayBuffer(54));
  new Uint8Array(view.buffer).set(ascii('BM'));
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, -height, true);
  return new Uint8Array(view.buffer);
};
const oldBmp = (width: number, height: number) => {
  const view = new DataView(new ArrayBuffer(26));
  new Uint8Array(view.buffer).set(ascii('BM'));
  view.setUint32(14, 12, true);
  view.setUint16(18, width, true);
  view.setUint16(20, height, true);
  return new Uint8Array(view.buffer);
};

const png = (width: number, height: number) =>
  Uint8Array.from([
    ...ascii('\x89PNG\r\n\x1a\n'),
    ...uint32(13),
    ...ascii('IHDR'),
    ...uint32(width),
    ...uint32(height),
  ]);

describe('size from the header alone', () => {
  test.each(Object.keys(ENCODERS))('%s', async (kind) => {
    const bytes = new Uint8Array(await ENCODERS[kind](blank(301, 77)).toBuffer());
    const expected = { format: kind.replace('Big', '').split(/[, ]/)[0], width: 301, height: 77 };
    expect(readImageHeader(bytes, 'a')).toEqual(expected);
    const amidst = new Uint8Array(bytes.length + 5);
    amidst.set(bytes, 3);
    expect(readImageHeader(amidst.subarray(3, bytes.length + 3), 'a')).toEqual(expected);
  });

  test('HEIC: the whole, not its tiles; AVIF by any of its brands; BMP', () => {
    expect(readImageHeader(heic(4032, 3024), 'a')).toEqual({ format: 'HEIC', width: 4032, height: 3024 });
    expect(readImageHeader(heic(40, 30, ['heix']), 'a').format).toBe('HEIC');
    expect(readImageHeader(heic(640, 480, ['mif1', 'miaf', 'avif']), 'a').format).toBe('AVIF');
    expect(readImageHeader(bmp(640, 480), 'a')).toEqual({ format: 'BMP', width: 640, height: 480 });
    expect(readImageHeader(oldBmp(640, 480), 'a')).toEqual({ format: 'BMP', width: 640, height: 480 });
  });

  test('a JPEG whose frame comes after 20 segments of 64 kB and fill bytes', async () => {
    const bytes = new Uint8Array(await blank(20, 10).jpeg().toBuffer());
    const segment = Uint8Array.from([0xff, 0xff, 0xff, 0xe1, 0xff, 0xfe, ...new Array(0xfffc).fill(0xff)]);
    const parts = [bytes.subarray(0, 2), ...new Array(20).fill(segment), bytes.subarray(2)];
    expect(readImageHeader(new Uint8Array(Buffer.concat(parts)), 'a')).toMatchObject({
      width: 20,
      height: 10,
    });
  });
});

describe('refuses in a sentence that says what was found', () => {
  const utf8 = (text: string) => new TextEncoder().encode(text);
  test.each([
    [
      'an empty file',
      new Uint8Array(),
      /^notes\.txt is not a photograph that can be read: it is an empty file\./,
    ],
    [
      'a text',
      utf8('Dear Sir, we have received'),
      /it is text that begins "Dear Sir, we have receiv"\. JPEG, PNG, /,
    ],
    [
      'a text in Greek, cut within a letter',
      utf8('\u03ba'.repeat(40)).subarray(0, 63),
      /it is text that begins "κκκ/,
    ],
    ['a text that begins with BM', utf8('BMW or bicycle?\n'), /it is text that begins "BMW/],
    ['a text that looks like BMP', utf8('BMWs are my delight, always'), /it is text that begins "BMWs/],
    ['SVG', utf8('<?xml version="1.0"?>\n<svg xmlns="'), /it is an SVG drawing/],
    ['PDF', utf8('%PDF-1.7\n%\u00e2'), /it is a PDF document/],
    ['a film', Uint8Array.from(box('ftyp', ascii('isom'), uint32(512), ascii('mp42'))), /it is a film/],
    ['rubbish', Uint8Array.of(1, 2, 3, 0xab), /unknown kind \(it begins with the bytes 01 02 03 ab\)/],
  ])('%s', (_, bytes, sentence) => {
    expect(() => readImageHeader(bytes, 'notes.txt')).toThrow(sentence);
    expect(() => imageFormat(bytes, 'notes.txt')).toThrow(sentence);
  });

  test('over 100 megapixels or a side that no canvas has, none at all', () => {
    expect(readImageHeader(png(10_000, MAX_PIXELS / 10_000), 'a')).toMatchObject({ width: 10_000 });
    expect(() => readImageHeader(png(10_000, 10_001), 'wall.png')).toThrow(
      'wall.png is too large: 10000 × 10001 pixels; at most 100 megapixels and 65,535 pixels a side are taken. Save it smaller and try again.',
    );
    expect(() => readImageHeader(png(0xffffffff, 0xffffffff), 'a')).toThrow('too large');
    expect(() => readImageHeader(png(70_000, 1), 'a')).toThrow('too large');
    expect(() => readImageHeader(heic(20_000, 20_000), 'a')).toThrow('too large');
    expect(() => readImageHeader(png(0, 5), 'a.png')).toThrow(
      'a.png cannot be read: its PNG header speaks of 0 × 5 pixels.',
    );
  });

  test('a header that ends too soon or leads astray', async () => {
    const jpeg = new Uint8Array(await blank(301, 77).jpeg().toBuffer());
    expect(() => readImageHeader(jpeg.subarray(0, 100), 'a.jpg')).toThrow(
      'a.jpg cannot be read: it is a JPEG that ends or leads nowhere within its header (100 bytes).',
    );
    expect(() => readImageHeader(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9), 'a.jpg')).toThrow(
      'a.jpg cannot be read: it begins like a JPEG, but states no size where one must stand.',
    );
    const tiff = Uint8Array.of(0x49, 0x49, 42, 0, 0xff, 0xff, 0xff, 0xff);
    expect(() => readImageHeader(tiff, 'a.tif')).toThrow('ends or leads nowhere');
  });

  test('damaged headers of every kind end in a size or in a sentence', async () => {
    const whole = await Promise.all(
      Object.values(ENCODERS).map((encode) => encode(blank(31, 17)).toBuffer()),
    );
    const files = [...whole, heic(31, 17), bmp(31, 17)].map((bytes) => new Uint8Array(bytes));
    const damage = fc.record({
      file: fc.constantFrom(...files),
      end: fc.nat(),
      changes: fc.array(fc.tuple(fc.nat({ max: 400 }), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(damage, ({ file, end, changes }) => {
        const bytes = file.slice(0, 1 + (end % file.length));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        try {
          const { width, height } = readImageHeader(bytes, 'a.jpg');
          expect(width * height).toBeGreaterThan(0);
          expect(width * height).toBeLessThanOrEqual(MAX_PIXELS);
        } catch (error) {
          expect(String(error)).toMatch(/^Error: a\.jpg (cannot be read|is too large|is not a photograph)/);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

// What kind of picture a file is and how large, read from its header before anything is decoded, so that a picture beyond
// all memory, a text or a film is refused at no cost. Knows nothing of pixels, profiles or orientation.
//
// The input is anybody's file: every read is checked against its end (a DataView throws), every loop moves forwards.
// Own, since the packages for it walk damaged JPEGs byte by byte and take the first tile of a HEIC for the whole picture.

import { tiffTags } from './tiff.ts';

/** A picture of this size takes 400 MB as a canvas holds it: what a browser's tab and a phone may just bear. */
export const MAX_PIXELS = 100e6;
/** JPEG's own limit, and what canvases can hold. */
const MAX_SIDE = 65_535;
/**
 * Segments of a JPEG, boxes of a HEIF: a camera's maps of depth fill a thousand of the first, a panorama has a thousand tiles in
 * the second. A file of nothing else would be walked through for seconds.
 */
const MAX_PARTS = 20_000;

export type ImageFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'BMP' | 'TIFF' | 'HEIC' | 'AVIF';

export interface ImageHeader {
  readonly format: ImageFormat;
  /** As stored; a photograph that its EXIF orientation turns on its side has them the other way round. */
  readonly width: number;
  readonly height: number;
}

type Dimensions = readonly [width: number, height: number];

const SIZE_READERS: Record<ImageFormat, (view: DataView) => Dimensions | null> = {
  JPEG: jpegSize,
  PNG: (view) => (text(view, 12, 4) === 'IHDR' ? [view.getUint32(16), view.getUint32(20)] : null),
  WebP: webpSize,
  GIF: (view) => [view.getUint16(6, true), view.getUint16(8, true)],
  BMP: bmpSize,
  TIFF: tiffSize,
  HEIC: heifSize,
  AVIF: heifSize,
};

/**
 * Format and stored size of the picture in `bytes` (the whole file). Throws a sentence with `name` where it is no picture,
 * has no readable size, or has more than MAX_PIXELS.
 */
export function readImageHeader(bytes: Uint8Array, name: string): ImageHeader {
  const format = imageFormat(bytes, name);
  const [width, height] = storedSize(bytes, format, name);
  const found = `${width} × ${height} pixels`;
  if (width === 0 || height === 0) {
    throw new Error(`${name} cannot be read: its ${format} header speaks of ${found}.`);
  }
  if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) {
    throw new Error(
      `${name} is too large: ${found}; at most ${MAX_PIXELS / 1e6} megapixels and ${MAX_SIDE.toLocaleString('en')} pixels a side are taken. Save it smaller and try again.`,
    );
  }
  return { format, width, height };
}

/** The format alone, for which the first 64 bytes of a file are enough. Throws a sentence that says what else it is. */
export function imageFormat(bytes: Uint8Array, name: string): ImageFormat {
  const format = formatOf(bytes);
  if (format) return format;
  const formats = 'JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC and AVIF';
  throw new Error(
    `${name} is not a photograph that can be read: it is ${otherKind(bytes)}. ${formats} are known.`,
  );
}

function storedSize(bytes: Uint8Array, format: ImageFormat, name: string): Dimensions {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const size = SIZE_READERS[format](view);
    if (size) return size;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Error(
      `${name} cannot be read: it is a ${format} that ends or leads nowhere within its header (${bytes.length} bytes). It may have been cut off when it was copied.`,
      { cause: error },
    );
  }
  throw new Error(
    `${name} cannot be read: it begins like a ${format}, but states no size where one must stand.`,
  );
}

function formatOf(bytes: Uint8Array): ImageFormat | null {
  if (begins(bytes, '\xff\xd8\xff')) return 'JPEG';
  if (begins(bytes, '\x89PNG\r\n\x1a\n')) return 'PNG';
  if (begins(bytes, 'RIFF') && begins(bytes, 'WEBP', 8)) return 'WebP';
  if (begins(bytes, 'GIF87a') || begins(bytes, 'GIF89a')) return 'GIF';
  // Texts begin with BM too; a header's size is four bytes, of which the last three are 0.
  if (begins(bytes, 'BM') && BMP_HEADERS.has(bytes[14]) && begins(bytes, '\0\0\0', 15)) return 'BMP';
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].some((magic) => begins(bytes, magic))) return 'TIFF';
  return begins(bytes, 'ftyp', 4) ? heifFormat(bytes) : null;
}

/** The brands of an ISO base media file; a phone's photographs name `mif1` first and say what they are only then. */
function heifFormat(bytes: Uint8Array): ImageFormat | null {
  const brands = new Set<string>();
  const end = Math.min(bytes.length, 64, new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
  for (let at = 8; at + 4 <= end; at += 4) brands.add(String.fromCharCode(...bytes.subarray(at, at + 4)));
  if (brands.has('avif') || brands.has('avis')) return 'AVIF';
  return ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1'].some((brand) => brands.has(brand))
    ? 'HEIC'
    : null;
}

/** Sizes of the information header that follows a BMP's 14 bytes; "BM" alone would be many a text. */
const BMP_HEADERS = new Set([12, 40, 52, 56, 64, 108, 124]);

const OTHER_KINDS: readonly (readonly [magic: string, at: number, kind: string])[] = [
  ['%PDF', 0, 'a PDF document'],
  ['PK\x03\x04', 0, 'a ZIP archive or office document'],
  ['8BPS', 0, 'a Photoshop document'],
  ['\xff\x0a', 0, 'a JPEG XL picture'],
  ['\0\0\0\x0cJXL ', 0, 'a JPEG XL picture'],
  ['\0\0\0\x0cjP  ', 0, 'a JPEG 2000 picture'],
  ['\0\0\x01\0', 0, 'an icon'],
  ['ftyp', 4, 'a film'],
  ['\x1aE\xdf\xa3', 0, 'a film'],
];

function otherKind(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const known = OTHER_KINDS.find(([magic, at]) => begins(bytes, magic, at));
  if (known) return known[2];
  const head = bytes.subarray(0, 64);
  const start = new TextDecoder()
    .decode(head)
    .replace(/\uFFFD$/, '')
    .trim();
  // Neither control characters nor what is no UTF-8: a person wrote it.
  if (!/[\p{Cc}\uFFFD]/u.test(start.replace(/\s/g, ' '))) {
    return start.includes('<svg')
      ? 'an SVG drawing'
      : `text that begins ${JSON.stringify(start.slice(0, 24))}`;
  }
  const hex = Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0'));
  return `of an unknown kind (it begins with the bytes ${hex.join(' ')})`;
}

/** Segment by segment to the frame header (ITU T.81, B.1.1.3 and B.2.2), past whatever cameras put before it. */
function jpegSize(view: DataView): Dimensions | null {
  let at = 2;
  for (let parts = 0; parts < MAX_PARTS; parts++) {
    if (view.getUint8(at) !== 0xff) return null;
    if (view.getUint8(at + 1) === 0xff) {
      at++; // a fill byte
      continue;
    }
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    const isEndOrScan = marker === 0xd9 || marker === 0xda;
    if (isEndOrScan) return null;
    const isBare = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const length = isBare ? 0 : view.getUint16(at + 2);
    if (!isBare && length < 2) return null;
    at += 2 + length;
  }
  return null;
}

/** Lossy, lossless and extended WebP (RFC 9649, sections 2.5 to 2.7). */
function webpSize(view: DataView): Dimensions | null {
  const kind = text(view, 12, 4);
  if (kind === 'VP8 ') return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  if (kind === 'VP8L') {
    const bits = view.getUint32(21, true);
    return [1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff)];
  }
  if (kind === 'VP8X') return [1 + uint24(view, 24), 1 + uint24(view, 27)];
  return null;
}

/** The oldest header has 16-bit sides; later ones have signed ones, a negative height standing for rows from the top. */
function bmpSize(view: DataView): Dimensions {
  if (view.getUint32(14, true) === 12) return [view.getUint16(18, true), view.getUint16(20, true)];
  return [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))];
}

/** ImageWidth and ImageLength of the first picture. */
function tiffSize(view: DataView): Dimensions | null {
  const tags = tiffTags(view, [256, 257]);
  const width = tags.get(256);
  const height = tags.get(257);
  return width !== undefined && height !== undefined ? [width, height] : null;
}

/**
 * The largest `ispe` of a HEIF or AVIF (ISO/IEC 23008-12, 6.5.3): a photograph made of tiles lists the tiles and a thumbnail
 * beside the whole.
 */
function heifSize(view: DataView): Dimensions | null {
  const meta = firstBox(boxes(view, 0, view.byteLength), 'meta');
  // `meta` has a version and flags before its children.
  const properties = meta && firstBox(boxes(view, meta.start + 4, meta.end), 'iprp');
  const container = properties && firstBox(boxes(view, properties.start, properties.end), 'ipco');
  if (!container) return null;
  let largest: Dimensions | null = null;
  for (const box of boxes(view, container.start, container.end)) {
    if (box.type !== 'ispe') continue;
    const size: Dimensions = [view.getUint32(box.start + 4), view.getUint32(box.start + 8)];
    if (!largest || size[0] * size[1] > largest[0] * largest[1]) largest = size;
  }
  return largest;
}

interface Box {
  readonly type: string;
  /** The box's content: [start, end). */
  readonly start: number;
  readonly end: number;
}

/** Boxes of an ISO base media file that follow one another from `start` to `end` (ISO/IEC 14496-12, 4.2). */
function* boxes(view: DataView, start: number, end: number): Generator<Box> {
  let at = start;
  for (let parts = 0; parts < MAX_PARTS && at + 8 <= end; parts++) {
    const stated = view.getUint32(at);
    // 1: a 64-bit size follows the type. 0: up to the end.
    const header = stated === 1 ? 16 : 8;
    const size = stated === 1 ? Number(view.getBigUint64(at + 8)) : stated === 0 ? end - at : stated;
    if (size < header) return;
    yield { type: text(view, at + 4, 4), start: at + header, end: Math.min(end, at + size) };
    at += size;
  }
}

function firstBox(siblings: Iterable<Box>, type: string): Box | null {
  for (const box of siblings) if (box.type === type) return box;
  return null;
}

function begins(bytes: Uint8Array, magic: string, at = 0): boolean {
  for (let i = 0; i < magic.length; i++) if (bytes[at + i] !== magic.charCodeAt(i)) return false;
  return true;
}

function text(view: DataView, at: number, length: number): string {
  return String.fromCharCode(...Array.from({ length }, (_, i) => view.getUint8(at + i)));
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

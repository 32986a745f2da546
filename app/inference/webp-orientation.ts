// Chromium turns JPEGs and PNGs by their EXIF orientation, but not WebPs; Pillow and libvips turn them all. So the
// orientation of a WebP is read here, and the picture is turned where the browser was seen not to.

import { tiffTags } from '../../models/clip/tiff.ts';

/** EXIF's 1 to 8: where the stored picture's first row and column belong. 1 is upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const ORIENTATION_TAG = 0x0112;

/** 2 × 1 black pixels, stored with orientation 6: upright they stand, 1 wide and 2 high. */
const LYING_DOWN =
  'UklGRk4AAABXRUJQVlA4WAoAAAAIAAAAAQAAAAAAVlA4TA4AAAAvAQAAAAcQEf0PRET/A0VYSUYaAAAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAA=';

let answer: Promise<boolean> | undefined;

/** Whether this browser's createImageBitmap turns WebPs; asked of it once. */
export function browserTurnsWebp(): Promise<boolean> {
  answer ??= createImageBitmap(new Blob([Uint8Array.from(atob(LYING_DOWN), (c) => c.charCodeAt(0))])).then(
    (bitmap) => bitmap.height === 2,
  );
  return answer;
}

/** The orientation that a WebP's EXIF chunk states (RFC 9649, section 2.7.1); 1 where it states none or a damaged one. */
export function webpOrientation(bytes: Uint8Array): Orientation {
  const exif = exifChunk(bytes);
  if (!exif) return 1;
  try {
    const value = tiffTags(exif, [ORIENTATION_TAG]).get(ORIENTATION_TAG);
    return isOrientation(value) ? value : 1;
  } catch (error) {
    // A damaged note about a picture is no reason to refuse the picture.
    if (error instanceof RangeError) return 1;
    throw error;
  }
}

function isOrientation(value: number | undefined): value is Orientation {
  return value !== undefined && value >= 1 && value <= 8;
}

/** The chunk's TIFF, which some programs precede with the "Exif" and two zeros of a JPEG. */
function exifChunk(bytes: Uint8Array): DataView | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const EXIF = 0x45584946;
  const PREFIX = 0x45786966;
  for (let at = 12; at + 16 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const content = at + 8;
    if (view.getUint32(at) === EXIF) {
      const start = view.getUint32(content) === PREFIX ? content + 6 : content;
      const end = Math.min(bytes.length, content + length);
      return start < end ? new DataView(bytes.buffer, bytes.byteOffset + start, end - start) : null;
    }
    // Chunks are padded to an even length.
    at = content + length + (length % 2);
  }
  return null;
}

/** Canvas transform (a to f of a DOMMatrix) that lays a stored picture upright into `width` × `height` pixels. */
export function uprightTransform(
  orientation: Orientation,
  width: number,
  height: number,
): [a: number, b: number, c: number, d: number, e: number, f: number] {
  switch (orientation) {
    case 1:
      return [1, 0, 0, 1, 0, 0];
    case 2:
      return [-1, 0, 0, 1, width, 0];
    case 3:
      return [-1, 0, 0, -1, width, height];
    case 4:
      return [1, 0, 0, -1, 0, height];
    case 5:
      return [0, 1, 1, 0, 0, 0];
    case 6:
      return [0, 1, -1, 0, width, 0];
    case 7:
      return [0, -1, -1, 0, width, height];
    case 8:
      return [0, -1, 1, 0, 0, height];
    default:
      return orientation satisfies never;
  }
}

// The first directory of a TIFF file: pictures in TIFF, and what other formats call EXIF (TIFF 6.0, section 2).

const SHORT = 3;
/** A directory counts them in 16 bits; BigTIFF's 64 bits could keep a reader busy for hours. */
const MAX_ENTRIES = 2 ** 16;
/** BigTIFF's 64-bit number. */
const LONG8 = 16;

/**
 * Values of the wanted tags, each a single number, as far as the directory has them. BigTIFF has wider fields in the same order.
 * Throws a RangeError where the directory leads out of the view.
 */
export function tiffTags(view: DataView, wanted: readonly number[]): Map<number, number> {
  const little = view.getUint8(0) === 0x49;
  const big = view.getUint16(2, little) === 43;
  const wide = (at: number) => Number(view.getBigUint64(at, little));
  const directory = big ? wide(8) : view.getUint32(4, little);
  const entries = Math.min(MAX_ENTRIES, big ? wide(directory) : view.getUint16(directory, little));
  const entrySize = big ? 20 : 12;
  const last = Math.max(...wanted);
  const values = new Map<number, number>();
  for (let i = 0, at = directory + (big ? 8 : 2); i < entries; i++, at += entrySize) {
    const tag = view.getUint16(at, little);
    if (tag > last) break; // Entries are sorted by tag.
    if (!wanted.includes(tag)) continue;
    const type = view.getUint16(at + 2, little);
    const valueAt = at + (big ? 12 : 8);
    const narrow = type === SHORT ? view.getUint16(valueAt, little) : view.getUint32(valueAt, little);
    values.set(tag, type === LONG8 ? wide(valueAt) : narrow);
  }
  return values;
}

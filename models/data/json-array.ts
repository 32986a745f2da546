/**
 * A JSON file that is one long array of objects, object by object: Visual Genome's is larger than a string may be in
 * JavaScript, so that JSON.parse cannot take it whole. Only brackets and strings are followed here; each object is JSON.parse's.
 */
import { createReadStream } from 'node:fs';

/** Of one object: beyond this a bracket or a quotation mark was never closed, and the rest of the file would be held in memory. */
const MAX_OBJECT_BYTES = 2 ** 26;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);
const BLANK: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
/** What editors on Windows begin a file with. */
const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf);

/** @throws a sentence where the file is no such array, or ends in the middle */
export async function* readJsonArray(path: string): AsyncGenerator<unknown> {
  const refused = (found: string, cause?: unknown) =>
    new Error(
      `Reading ${path}: found ${found}, expected one JSON array of objects. Check that the file is complete, or fetch it anew.`,
      { cause },
    );
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  let isOver = false;
  /** The object in hand as far as earlier chunks had it. */
  let parts: Buffer[] = [];
  let held = 0;
  let count = 0;
  let isFirst = true;
  const stream = createReadStream(path, { highWaterMark: 2 ** 20 });
  try {
    for await (const chunk of stream) {
      const bytes: Buffer = chunk;
      let start = 0;
      const skipped = isFirst && BYTE_ORDER_MARK.equals(bytes.subarray(0, 3)) ? BYTE_ORDER_MARK.length : 0;
      isFirst = false;
      for (let i = skipped; i < bytes.length; i++) {
        const byte = bytes[i];
        if (inString) {
          if (isEscaped) isEscaped = false;
          else if (byte === BACKSLASH) isEscaped = true;
          else if (byte === QUOTE) inString = false;
        } else if (depth < 2 && !BLANK.has(byte)) {
          const character = JSON.stringify(String.fromCharCode(byte));
          if (isOver) throw refused(`${character} after its end`);
          if (depth === 0 && byte !== 0x5b) throw refused(`${character} at its start`);
          if (depth === 1 && byte === 0x5d) isOver = true;
          else if (depth === 1 && byte !== 0x7b && byte !== COMMA)
            throw refused(`${character} after ${count} objects`);
          if (OPENING.has(byte)) {
            start = i;
            depth++;
          }
        } else if (depth >= 2) {
          if (byte === QUOTE) inString = true;
          else if (OPENING.has(byte)) depth++;
          else if (CLOSING.has(byte) && --depth === 1) {
            const text = Buffer.concat([...parts, bytes.subarray(start, i + 1)]).toString();
            parts = [];
            held = 0;
            yield parsed(text, (cause) => refused(`no JSON in object ${count}`, cause));
            count++;
          }
        }
      }
      if (depth < 2) continue;
      parts.push(bytes.subarray(start));
      held += bytes.length - start;
      if (held > MAX_OBJECT_BYTES) throw refused(`an object (number ${count}) of more than ${held} bytes`);
    }
    if (!isOver) throw refused(`that it ends in the middle, after ${count} objects`);
  } finally {
    stream.destroy();
  }
}

function parsed(text: string, refused: (cause: unknown) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(cause);
  }
}

// Inflates gzip (RFC 1952) with a limit: a few kilobytes of gzip can hold gigabytes. What the file says of its length is
// believed only as far as that is more than it inflates to, which is watched while it grows.

/** Compressed bytes handed over at a time: deflate swells up to 1,032-fold, so no step makes more than 4 MB. */
const STEP = 4096;
/** OpenAI's list of merges swells 2.4-fold; plain text hardly ever swells more than this. */
const MOST_SWELLING = 16;
/** The shortest file: ten bytes of header, two of data, the checksum and the length. */
const LEAST_BYTES = 20;
const MAGIC = [0x1f, 0x8b, 0x08];

/** The inflated bytes; throws a sentence where `bytes` is no sound gzip file or holds more than `limit` bytes. */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  limit: number,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const refused = (found: string, cause?: unknown) =>
    new Error(`${name} was refused: its ${bytes.length} bytes ${found}.`, { cause });
  if (bytes.length < LEAST_BYTES || MAGIC.some((byte, at) => bytes[at] !== byte)) {
    throw refused('are no whole gzip file');
  }
  const stated = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true);
  const most = Math.min(limit, MOST_SWELLING * bytes.length);
  if (stated > most) {
    throw refused(
      `say at their end that they inflate to ${stated}, and at most ${most} are read; the file is cut off, or made to fill memory`,
    );
  }
  const { readable, writable } = new DecompressionStream('gzip');
  const writing = write(writable.getWriter(), bytes);
  const reader = readable.getReader();
  const whole = new Uint8Array(stated);
  let length = 0;
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      const start = length;
      length += chunk.value.length;
      if (length > stated) break;
      whole.set(chunk.value, start);
    }
  } catch (cause) {
    throw refused('are no whole gzip file', cause);
  } finally {
    await Promise.allSettled([reader.cancel(), writing]);
  }
  if (length !== stated) throw refused(`do not inflate to the ${stated} that they say`);
  return whole;
}

async function write(writer: WritableStreamDefaultWriter, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  for (let at = 0; at < bytes.length; at += STEP) await writer.write(bytes.subarray(at, at + STEP));
  await writer.close();
}

// Inflates gzip with a limit: a few kilobytes of gzip can hold gigabytes, so the size is watched while it grows.

/** Compressed bytes handed over at a time: gzip swells up to 1,032-fold, so no step makes more than 17 MB. */
const STEP = 16_384;

/** The inflated bytes; throws a sentence where `bytes` is no sound gzip file or holds more than `limit` bytes. */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  limit: number,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new DecompressionStream('gzip');
  const writing = write(writable.getWriter(), bytes);
  const reader = readable.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      length += chunk.value.length;
      if (length > limit) break;
      chunks.push(chunk.value);
    }
  } catch (cause) {
    throw new Error(`${name} was refused: its ${bytes.length} bytes are no whole gzip file.`, { cause });
  } finally {
    await Promise.allSettled([reader.cancel(), writing]);
  }
  if (length > limit) {
    throw new Error(`${name} was refused: it inflates to more than ${limit} bytes.`);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

async function write(writer: WritableStreamDefaultWriter, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  for (let at = 0; at < bytes.length; at += STEP) await writer.write(bytes.subarray(at, at + STEP));
  await writer.close();
}

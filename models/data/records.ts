/** A text file of separated values as records, read in a stream: such lists are larger than a string may be. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { parse } from 'csv-parse';
import * as v from 'valibot';
import { messageOf } from '../clip/message-of.ts';

/** A caption is a sentence: beyond this a quotation mark was never closed, and the rest of the file would be one field. */
const MAX_RECORD_BYTES = 2 ** 20;

const Fields = v.array(v.string());

export interface RecordFormat {
  readonly separator: string;
  /** Whether a field may stand in quotation marks, with separators and line breaks inside. */
  readonly quoted: boolean;
}

/** Records as they stand, of whatever length each; empty lines are passed over. */
export async function* readRecords(
  path: string,
  { separator, quoted }: RecordFormat,
): AsyncGenerator<string[]> {
  const parser = parse({
    delimiter: separator,
    // A list that was put together from several may end its lines in several ways.
    record_delimiter: ['\r\n', '\n', '\r'],
    quote: quoted ? '"' : false,
    // 6" nails and a "dog" in the middle of a field are text.
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    bom: true,
    max_record_size: MAX_RECORD_BYTES,
  });
  const stream = createReadStream(path);
  stream.on('error', (error) => parser.destroy(error));
  try {
    for await (const record of stream.pipe(parser)) yield v.parse(Fields, record);
  } catch (cause) {
    throw new Error(
      `Reading ${path}: found no sound list of separated values (${messageOf(cause)}), expected a record a line with fields separated by ${spokenSeparator(separator)}${quoted ? ', and every quotation mark at the start of a field closed at its end' : ''}. Check the separator and the line.`,
      { cause },
    );
  } finally {
    stream.destroy();
  }
}

export function spokenSeparator(separator: string): string {
  return separator === '\t' ? 'tabs' : `"${separator}"`;
}

/** More than any header or record that tells what a file is. */
const BEGINNING_BYTES = 2 ** 16;

/** The first line, to tell by it what a file is; a very long one is cut. */
export async function firstLine(path: string): Promise<string> {
  return (await beginning(path)).split(/\r\n|\n|\r/, 1)[0];
}

/** As much of a file as tells what it is, as text without a byte order mark. */
export async function beginning(path: string): Promise<string> {
  const handle = await open(path).catch((cause: unknown) => {
    throw new Error(`Reading ${path}: it cannot be opened (${messageOf(cause)}). Check its permissions.`, {
      cause,
    });
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0);
    return new TextDecoder().decode(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

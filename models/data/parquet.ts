/**
 * A parquet file of pictures with words, read into memory whole. Columns: `image` (bytes, or the hub's struct with a field
 * `bytes`), words as `label` (string; names separated by "; "), `captions` (list of strings) or `caption` (string), and
 * optionally `source` (string), which otherwise is the file's name. Other columns are not read.
 */
import { basename, dirname, resolve } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import * as v from 'valibot';
import { messageOf } from '../clip/message-of.ts';
import { parseLabel } from './labels.ts';
import { counted, inUtf8, type LeftOut } from './left-out.ts';
import type { PairSource } from './types.ts';

// Strings without parquet's UTF8 annotation come as bytes.
const Text = v.union([
  v.string(),
  v.pipe(
    v.instance(Uint8Array),
    v.transform((bytes) => new TextDecoder().decode(bytes)),
  ),
]);
const Bytes = v.instance(Uint8Array);
/** Of a picture that is not there: it counts as a damaged one. */
const NO_BYTES = new Uint8Array();
const Row = v.object({
  image: v.union([
    v.nullish(Bytes, NO_BYTES),
    v.pipe(
      v.object({ bytes: v.nullish(Bytes, NO_BYTES) }),
      v.transform(({ bytes }) => bytes),
    ),
  ]),
  label: v.nullish(Text, ''),
  captions: v.nullish(v.array(Text), []),
  caption: v.nullish(Text, ''),
  source: v.nullish(Text, ''),
});

/** `onLeftOut` is told once, in a sentence, of words and rows that are passed over. */
export async function openParquet(path: string, onLeftOut: (message: string) => void): Promise<PairSource> {
  const values = await readColumns(path);
  const leftOut: LeftOut = new Map();
  const rows = values
    .map((value, index) => parseRow(value, { path, index, leftOut }))
    .filter(({ labels, captions }) => labels.length > 0 || captions.length > 0);
  if (rows.length === 0)
    throw new Error(
      `Reading ${path}: found no rows${leftOut.size > 0 ? ` with words but ${counted(leftOut)}` : ''}, expected pictures with words. Leave the file out.`,
    );
  if (leftOut.size > 0)
    onLeftOut(
      `Reading ${path}: left out ${counted(leftOut)}, expected words in UTF-8. Write the file anew, with its text read in the encoding that it has.`,
    );
  // With the folder's name, because train/ and eval/ may hold files of one name.
  const file = `${basename(dirname(resolve(path)))}/${basename(path)}`;
  const text = (place: number) => {
    const { index, labels, captions, source } = rows[place];
    return { id: `${file} row ${index}`, labels, captions, source };
  };
  return {
    name: path,
    length: rows.length,
    text,
    row: async (place) => ({ ...text(place), image: rows[place].image }),
  };
}

async function readColumns(path: string): Promise<Record<string, unknown>[]> {
  const unreadable = (cause: unknown): never => {
    throw new Error(
      `Reading ${path}: found no sound parquet file (${messageOf(cause)}), expected one with the columns image and label or captions. Check that the file is complete, or fetch it anew.`,
      { cause },
    );
  };
  const file = await asyncBufferFromFile(path).catch(unreadable);
  const metadata = await parquetMetadataAsync(file).catch(unreadable);
  const present = parquetSchema(metadata).children.map((column) => column.element.name);
  const columns = present.filter((column) => column in Row.entries);
  if (
    !columns.includes('image') ||
    !['label', 'captions', 'caption'].some((column) => columns.includes(column))
  )
    throw new Error(
      `Reading ${path}: found the columns ${present.join(', ')}, expected image (bytes) and at least one of label (string), captions (list of strings), caption (string). Rename the columns, or name another file.`,
    );
  return parquetReadObjects({ file, metadata, columns, compressors, utf8: false }).catch(unreadable);
}

/** Words that are not UTF-8 are counted, and the row has none of them. */
function parseRow(
  value: unknown,
  { path, index, leftOut }: { path: string; index: number; leftOut: LeftOut },
) {
  const row = v.safeParse(Row, value);
  if (!row.success) {
    const [issue] = row.issues;
    throw new Error(
      `Reading ${path}, row ${index}: found ${issue.received} in the column ${v.getDotPath(issue)}, expected image as bytes, label and caption as strings, captions as a list of strings. Convert the column (a class number to its name, for example).`,
    );
  }
  const { image, label, captions, caption, source } = row.output;
  const labels = parseLabel(label);
  const sentences = [...captions, caption]
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
  if (labels.length === 0 && sentences.length === 0)
    throw new Error(
      `Reading ${path}, row ${index}: found neither a label nor a caption, expected a name or a sentence for every picture. Take the row out, or fill it in.`,
    );
  return {
    index,
    image,
    labels: inUtf8(labels, leftOut, 'label'),
    captions: inUtf8(sentences, leftOut),
    source: source || basename(path, '.parquet'),
  };
}

/**
 * A list of pictures with captions, as open_clip reads them: a header, then a path and a caption a line. Paths are absolute or start at
 * the list's own folder (open_clip starts at the folder that it is run in). Lines that name one picture become one row with all
 * their captions, because two rows of one picture would be taken for each other's negatives.
 */
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { counted, type LeftOut, leaveOut } from './left-out.ts';
import { firstWayThatFinds, pictureSource } from './picture-rows.ts';
import { readRecords, spokenSeparator } from './records.ts';
import type { PairSource } from './types.ts';

export interface CsvColumns {
  /** The column of paths. */
  readonly image: string;
  readonly caption: string;
  /** One character. Where it is left out, a tab as in open_clip, but a comma in a .csv file whose header has both columns with it. */
  readonly separator?: string;
}

/** open_clip's own. */
export const CSV_COLUMNS: CsvColumns = { image: 'filepath', caption: 'title' };

export async function openCsv(
  path: string,
  columns: CsvColumns,
  onLeftOut: (message: string) => void,
): Promise<PairSource> {
  const { separator, header } = await readHeader(path, columns);
  const [imageColumn, captionColumn] = [header.indexOf(columns.image), header.indexOf(columns.caption)];
  if (imageColumn < 0 || captionColumn < 0)
    throw new Error(
      `Reading ${path}: found the columns ${header.join(', ')} with fields separated by ${spokenSeparator(separator)}, expected ${columns.image} and ${columns.caption}. Name the columns in --csv-img-key and --csv-caption-key and the separator in --csv-separator, or name another file.`,
    );

  const leftOut: LeftOut = new Map();
  const captionsOf = new Map<string, Set<string>>();
  let isHeader = true;
  for await (const fields of readRecords(path, { separator, quoted: true })) {
    if (isHeader) {
      isHeader = false;
      continue;
    }
    const picture = fields.at(imageColumn)?.trim();
    const caption = fields.at(captionColumn)?.trim();
    if (fields.length !== header.length)
      leaveOut(leftOut, `line of more or fewer fields than the ${header.length} columns`);
    else if (!picture) leaveOut(leftOut, 'line without a path');
    else if (!caption) leaveOut(leftOut, 'line without a caption');
    else {
      const known = captionsOf.get(picture);
      if (known) known.add(caption);
      else captionsOf.set(picture, new Set([caption]));
    }
  }
  if (captionsOf.size === 0)
    throw new Error(
      `Reading ${path}: found no row with a path and a caption${leftOut.size > 0 ? ` but ${counted(leftOut)}` : ''}, expected a line for every picture. Leave the file out, or fill it in.`,
    );
  if (leftOut.size > 0)
    onLeftOut(
      `Reading ${path}: left out ${counted(leftOut)}, expected ${columns.image} and ${columns.caption} in every line. Fill them in if the pictures are to be seen.`,
    );

  const folder = dirname(resolve(path));
  const place = (file: string) => (isAbsolute(file) ? file : join(folder, file));
  const files = [...captionsOf.keys()];
  if ((await firstWayThatFinds([place], files)) === null)
    throw new Error(
      `Reading ${path}: found none of the first pictures that it lists, such as ${place(files[0])}, expected paths that are absolute or start at the list's folder. Move the list to where its paths start.`,
    );
  const dataSet = basename(path, extname(path));
  return pictureSource(
    path,
    dataSet,
    Array.from(captionsOf, ([file, captions]) => ({
      id: isAbsolute(file) ? file : `${basename(folder)}/${file}`,
      labels: [],
      captions: [...captions],
      picture: { path: place(file) },
    })),
  );
}

async function readHeader(path: string, { image, caption, separator }: CsvColumns) {
  const mayBeCommas = separator === undefined && extname(path).toLowerCase() === '.csv';
  if (mayBeCommas) {
    const header = await firstRecord(path, ',');
    if (header.includes(image) && header.includes(caption)) return { separator: ',', header };
  }
  const given = separator ?? '\t';
  return { separator: given, header: await firstRecord(path, given) };
}

async function firstRecord(path: string, separator: string): Promise<string[]> {
  for await (const fields of readRecords(path, { separator, quoted: true }))
    return fields.map((field) => field.trim());
  throw new Error(
    `Reading ${path}: found an empty file, expected a header and a line for every picture. Leave it out, or fetch it anew.`,
  );
}

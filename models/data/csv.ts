/**
 * A list of pictures with captions, as open_clip reads them: a header, then a path and a caption a line. Paths are absolute or start at
 * the list's own folder (open_clip starts at the folder that it is run in). Lines that name one picture become one row with all
 * their captions, because two rows of one picture would be taken for each other's negatives.
 */
import { basename, dirname, extname, isAbsolute, resolve } from 'node:path';
import { counted, inUtf8, type LeftOut, leaveOut } from './left-out.ts';
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

  const folder = dirname(resolve(path));
  const leftOut: LeftOut = new Map();
  /** By its whole path, since a list may have a.jpg and ./a.jpg: as it is named first. */
  const pictures = new Map<string, { readonly file: string; readonly captions: Set<string> }>();
  let isHeader = true;
  for await (const fields of readRecords(path, { separator, quoted: true })) {
    if (isHeader) {
      isHeader = false;
      continue;
    }
    const file = fields.at(imageColumn)?.trim();
    const caption = fields.at(captionColumn)?.trim();
    // Shorter ones lack empty fields at their end: pandas and open_clip read them so.
    if (fields.length > header.length)
      leaveOut(leftOut, `line of more fields than the ${header.length} columns`);
    else if (!file) leaveOut(leftOut, 'line without a path');
    else if (!caption) leaveOut(leftOut, 'line without a caption');
    else if (inUtf8([caption], leftOut).length > 0) {
      const place = resolve(folder, file);
      const known = pictures.get(place);
      if (known) known.captions.add(caption);
      else pictures.set(place, { file, captions: new Set([caption]) });
    }
  }
  if (pictures.size === 0)
    throw new Error(
      `Reading ${path}: found no row with a path and a caption${leftOut.size > 0 ? ` but ${counted(leftOut)}` : ''}, expected a line for every picture. Leave the file out, or fill it in.`,
    );
  if (leftOut.size > 0)
    onLeftOut(
      `Reading ${path}: left out ${counted(leftOut)}, expected ${columns.image} and ${columns.caption} in every line, in UTF-8, and in quotation marks where they hold ${spokenSeparator(separator)}. Put the lines right if their pictures are to be seen.`,
    );

  const places = [...pictures.keys()];
  if ((await firstWayThatFinds([(place: string) => place], places)) === null)
    throw new Error(
      `Reading ${path}: found none of the first pictures that it lists, such as ${places[0]}, expected paths that are absolute or start at the list's folder. Move the list to where its paths start.`,
    );
  const dataSet = basename(path, extname(path));
  return pictureSource(
    path,
    dataSet,
    Array.from(pictures, ([place, { file, captions }]) => ({
      id: isAbsolute(file) ? file : `${basename(folder)}/${file}`,
      labels: [],
      captions: [...captions],
      picture: { path: place },
    })),
  );
}

/** By the separator that gives both columns; where none does, by that which gives more of others, for the message. */
async function readHeader(path: string, { image, caption, separator }: CsvColumns) {
  const usual = extname(path).toLowerCase() === '.csv' ? [',', '\t'] : ['\t'];
  const read: { separator: string; header: string[] }[] = [];
  for (const tried of separator === undefined ? usual : [separator])
    read.push({ separator: tried, header: await firstRecord(path, tried) });
  return (
    read.find(({ header }) => header.includes(image) && header.includes(caption)) ??
    read.reduce((most, other) => (other.header.length > most.header.length ? other : most))
  );
}

async function firstRecord(path: string, separator: string): Promise<string[]> {
  for await (const fields of readRecords(path, { separator, quoted: true }))
    return fields.map((field) => field.trim());
  throw new Error(
    `Reading ${path}: found an empty file, expected a header and a line for every picture. Leave it out, or fetch it anew.`,
  );
}

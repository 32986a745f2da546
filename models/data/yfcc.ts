/**
 * YFCC100M's metadata (yfcc100m_dataset, or lines of it): tabs, no header, a Flickr photograph or video a line. Title and
 * description are what its owner wrote, URL-encoded, the description with HTML in it.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { decodeHTML } from 'entities';
import * as v from 'valibot';
import { counted, inUtf8, type LeftOut, leaveOut } from './left-out.ts';
import { firstWayThatFinds, type PictureRow, pictureSource } from './picture-rows.ts';
import { firstLine, readRecords } from './records.ts';
import type { PairSource } from './types.ts';

/**
 * Where the columns stand. The first release has 23: id, owner, nickname, taken, uploaded, camera, title, description, tags,
 * machine tags, longitude, latitude, accuracy, page, download, licence, its address, server, farm, secret, original's secret,
 * ending, and 0 for a photograph or 1 for a video. The later one has a line number before the id and a hash after it.
 */
const LAYOUTS = new Map([
  [23, { id: 0, hash: null, title: 6, description: 7, ending: 21, marker: 22 }],
  [25, { id: 1, hash: 2, title: 8, description: 9, ending: 23, marker: 24 }],
]);
type Layout = NonNullable<ReturnType<typeof LAYOUTS.get>>;

// They become file names, so that nothing else may be in them.
const Line = v.object({
  id: v.pipe(v.string(), v.regex(/^\d+$/)),
  hash: v.nullable(v.pipe(v.string(), v.regex(/^[\da-f]{7,}$/i))),
  ending: v.pipe(v.string(), v.regex(/^\w+$/)),
  marker: v.picklist(['0', '1']),
});

/** Whether a file's first line is one of YFCC100M's. */
export function isYfccLine(line: string): boolean {
  const fields = line.split('\t');
  return LAYOUTS.has(fields.length) && ['0', '1'].includes(fields[fields.length - 1]);
}

export async function openYfcc(path: string, onLeftOut: (message: string) => void): Promise<PairSource> {
  const columns = (await firstLine(path)).split('\t').length;
  const layout = LAYOUTS.get(columns);
  if (!layout)
    throw new Error(
      `Reading ${path}: found ${columns} columns in its first line, expected YFCC100M's 23 (first release) or 25 (with line number and hash), separated by tabs and without a header. Name yfcc100m_dataset, unpacked, or lines of it.`,
    );
  const folder = dirname(resolve(path));
  const places = await placesBeside(folder, layout);
  const leftOut: LeftOut = new Map();
  const rows: PictureRow[] = [];
  const known = new Set<string>();
  const dataSet = basename(path, extname(path));
  let first: string | undefined;
  for await (const fields of readRecords(path, { separator: '\t', quoted: false })) {
    if (fields.length !== columns) {
      leaveOut(leftOut, `line of more or fewer than ${columns} columns`);
      continue;
    }
    const { id, hash, title, description, ending, marker } = layout;
    const line = v.safeParse(Line, {
      id: fields[id],
      hash: hash === null ? null : fields[hash],
      ending: fields[ending],
      marker: fields[marker],
    });
    if (!line.success) {
      leaveOut(leftOut, 'line whose id, hash, ending or last column is none');
      continue;
    }
    const picture = places.of(line.output);
    first ??= picture;
    if (line.output.marker === '1') {
      leaveOut(leftOut, 'video');
      continue;
    }
    const captions = inUtf8([plain(fields[title]), shortened(plain(fields[description]))], leftOut).filter(
      (caption) => caption !== '' && !isCameraName(caption),
    );
    if (captions.length === 0) leaveOut(leftOut, 'photograph without words');
    else if (!places.mayHave(picture)) leaveOut(leftOut, 'photograph that is not there');
    else if (known.has(line.output.id)) leaveOut(leftOut, 'photograph that was listed before');
    else {
      known.add(line.output.id);
      rows.push({
        id: `${dataSet}/${line.output.id}`,
        labels: [],
        captions: [...new Set(captions)],
        picture: { path: picture },
      });
    }
  }
  const found = await firstWayThatFinds(
    [(file: string) => file],
    rows.map(({ picture }) => picture.path),
  );
  if (found === null)
    throw new Error(
      `Reading ${path}: found no photograph with words${leftOut.size > 0 ? ` but ${counted(leftOut)}` : ''}; looked for ${first ?? places.described} and so on. Put the photographs there, or link their folder.`,
    );
  if (leftOut.size > 0) onLeftOut(`Reading ${path}: left out ${counted(leftOut)}.`);
  return pictureSource(path, dataSet, rows);
}

interface Places {
  of(line: { id: string; hash: string | null; ending: string }): string;
  /** False where it is known at once that there is no such file. */
  mayHave(path: string): boolean;
  readonly described: string;
}

/**
 * Photographs by their ids in one folder, which is listed once because whoever has a part of the hundred million keeps the
 * whole list; or by their hashes as in the data set's own bucket, where 16 million folders forbid that.
 */
async function placesBeside(folder: string, layout: Layout): Promise<Places> {
  const byId = join(folder, 'images');
  const byHash = join(folder, 'data', 'images');
  const listed = await namesIn(byId);
  if (listed)
    return {
      of: ({ id, ending }) => join(byId, `${id}.${ending}`),
      mayHave: (path) => listed.has(basename(path)),
      described: join(byId, '<id>.<ending>'),
    };
  if (layout.hash !== null && (await namesIn(byHash)))
    return {
      of: ({ hash, ending }) =>
        join(byHash, `${hash}`.slice(0, 3), `${hash}`.slice(3, 6), `${hash}.${ending}`),
      mayHave: () => true,
      described: join(byHash, '<hash, 3 letters>', '<3 more>', '<hash>.<ending>'),
    };
  throw new Error(
    `Looking for YFCC100M's photographs: found neither ${byId} (<id>.<ending>) nor ${byHash} (<hash, 3 letters>/<3 more>/<hash>.<ending>${layout.hash === null ? '; for lists of 25 columns, this one has 23' : ''}). Put the photographs there, or link their folder.`,
  );
}

async function namesIn(folder: string): Promise<Set<string> | null> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null;
    throw new Error(
      `Looking for YFCC100M's photographs: ${folder} cannot be listed (${cause.message}). Check its permissions.`,
      { cause },
    );
  });
  return names && new Set(names);
}

/** Without URL encoding, tags, entities and line breaks. */
function plain(encoded: string): string {
  // Reads + as a space, as the list has it, and leaves a lone % where it is; a bare & would end the value.
  const decoded = new URLSearchParams(`text=${encoded.replaceAll('&', '%26')}`).get('text') ?? '';
  return decodeHTML(decoded.replace(/<[^>]*>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();
}

/** Beyond this descriptions tell of the journey or the camera, and no tokenizer's context takes more. */
const MAX_CHARACTERS = 300;

/** Cut after a whole word. */
function shortened(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  const end = text.lastIndexOf(' ', MAX_CHARACTERS);
  return text.slice(0, end > 0 ? end : MAX_CHARACTERS);
}

/** What cameras and scanners call their files, and dates: IMG_1234, _DSC0012.JPG, P1010101, 100_0042, 2008-05-01 12.30. */
const CAMERA_NAME =
  /^(?:_?(?:img|mg|dsc|dscn|dscf|dsci|dscp?|pict|pic|imgp|imag|image|photo|cimg|sdc|sam|hpim|mvc|kif|dcp|gopr|mov|scan|pa?|s|im)[\d_ -]*)?[\d\s_.:()-]*\d[\d\s_.:()-]*[a-z]?(?:\.?(?:jpe?g|png|gif|tiff?))?$/i;

/** The pattern's time grows faster than the text that it meets. */
const LONGEST_CAMERA_NAME = 40;

function isCameraName(text: string): boolean {
  return text.length <= LONGEST_CAMERA_NAME && CAMERA_NAME.test(text);
}

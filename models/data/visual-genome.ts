/**
 * Visual Genome's region_descriptions.json: a list of pictures, each with some fifty phrases about parts of it. A picture is one
 * row with all its phrases. The pictures come in two archives, so that each may lie in either folder.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { readJsonArray } from './json-array.ts';
import { counted, inUtf8, type LeftOut, leaveOut } from './left-out.ts';
import { pictureSource } from './picture-rows.ts';
import type { PairSource } from './types.ts';

const Whole = v.pipe(v.number(), v.integer(), v.minValue(0));

const Picture = v.object({
  id: v.nullish(Whole),
  regions: v.array(v.object({ phrase: v.nullish(v.string(), ''), image_id: v.nullish(Whole) })),
});

const FOLDERS = ['VG_100K', 'VG_100K_2', 'images'];

export async function openVisualGenome(
  path: string,
  onLeftOut: (message: string) => void,
): Promise<PairSource> {
  const folder = dirname(resolve(path));
  const folderOf = await listPictures(folder);
  const leftOut: LeftOut = new Map();
  /** By name: a picture that is listed twice is one row all the same. */
  const pictures = new Map<string, { readonly path: string; readonly phrases: Set<string> }>();
  const dataSet = basename(path, extname(path));
  let index = 0;
  for await (const value of readJsonArray(path)) {
    const parsed = parsePicture(value, path, index++);
    const { name } = parsed;
    const phrases = inUtf8(parsed.phrases, leftOut);
    const lies = folderOf.get(name);
    if (phrases.length === 0) leaveOut(leftOut, 'picture without a phrase');
    else if (lies === undefined) leaveOut(leftOut, 'picture that is not there');
    else {
      const picture = pictures.get(name) ?? { path: join(folder, lies, name), phrases: new Set() };
      pictures.set(name, picture);
      for (const phrase of phrases) picture.phrases.add(phrase);
    }
  }
  const tried = FOLDERS.map((name) => join(folder, name)).join(', ');
  if (pictures.size === 0)
    throw new Error(
      `Reading ${path}: found no picture with a phrase${leftOut.size > 0 ? ` but ${counted(leftOut)}` : ''}; looked for <image_id>.jpg in ${tried}. Put the pictures into one of these folders, or link it there.`,
    );
  if (leftOut.size > 0)
    onLeftOut(
      `Reading ${path}: left out ${counted(leftOut)}; looked for <image_id>.jpg in ${tried}. Unpack both archives of pictures if all are to be seen, and save the list as UTF-8.`,
    );
  return pictureSource(
    path,
    dataSet,
    Array.from(pictures, ([name, { path, phrases }]) => ({
      id: `${dataSet}/${name}`,
      labels: [],
      captions: [...phrases],
      picture: { path },
    })),
  );
}

function parsePicture(value: unknown, path: string, index: number) {
  const refused = (found: string) =>
    new Error(
      `Reading ${path}, picture ${index}: found ${found}, expected Visual Genome's region descriptions: id, and regions with phrase and image_id. Name its region_descriptions.json.`,
    );
  const parsed = v.safeParse(Picture, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw refused(`${issue.received} at ${v.getDotPath(issue) ?? 'its top'}`);
  }
  const { id, regions } = parsed.output;
  const number = regions[0]?.image_id ?? id;
  if (number === null || number === undefined)
    throw refused('neither an id nor a region that names its picture');
  const phrases = regions.map(({ phrase }) => phrase.trim().replace(/\s+/g, ' ')).filter(Boolean);
  return { name: `${number}.jpg`, phrases };
}

/** In which folder each picture lies. */
async function listPictures(folder: string): Promise<Map<string, string>> {
  const folderOf = new Map<string, string>();
  for (const name of FOLDERS) {
    const files = await readdir(join(folder, name)).catch((cause: NodeJS.ErrnoException): string[] => {
      if (cause.code === 'ENOENT') return [];
      throw new Error(
        `Looking for Visual Genome's pictures: ${join(folder, name)} cannot be listed (${cause.message}). Check its permissions.`,
        { cause },
      );
    });
    for (const file of files) if (!folderOf.has(file)) folderOf.set(file, name);
  }
  return folderOf;
}

/** A class folder, folder/<class>/<pictures>: the class's folder name is the label; pictures are read when asked for. */
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { parseLabel } from './labels.ts';
import { counted, type LeftOut, leaveOut } from './left-out.ts';
import { hasPictureName, PICTURE_NAMES } from './picture-names.ts';
import { type PictureRow, pictureSource } from './picture-rows.ts';
import type { PairSource } from './types.ts';

// Files that are no pictures by their names (Thumbs.db, notes) are passed over in a class's folder.
const PICTURES = `${PICTURE_NAMES} files`;

/** `onLeftOut` is told once, in a sentence, of files that are passed over. */
export async function openClassFolder(
  folder: string,
  onLeftOut: (message: string) => void,
): Promise<PairSource> {
  const source = basename(resolve(folder));
  const below = await visibleEntries(folder);
  // It may have been a whole class.
  const lost = below.find(({ fault }) => fault !== undefined);
  if (lost)
    throw new Error(
      `Reading the link ${join(folder, lost.name)}: it ${lost.fault}, expected a class's folder. Take it out, or put right what it leads to.`,
    );
  const classes = below.filter((entry) => entry.isFolder).map(({ name }) => name);
  if (classes.length === 0)
    throw new Error(
      `Reading the folder ${folder}: found neither parquet files nor folders in it, expected *.parquet or one folder of pictures for each class (${join(folder, '<class>')}). Name another folder, or sort the pictures into folders by class.`,
    );
  const leftOut: LeftOut = new Map();
  const pictures: PictureRow[] = [];
  for (const name of classes) {
    const labels = parseLabel(name);
    if (labels.length === 0)
      throw new Error(
        `Reading the class folder ${join(folder, name)}: found no name in its own, expected a word or several separated by "; ". Rename the folder.`,
      );
    const entries = await visibleEntries(join(folder, name));
    const isPicture = (entry: Entry) =>
      !entry.isFolder && entry.fault === undefined && hasPictureName(entry.name);
    const files = entries.filter(isPicture).map((entry) => entry.name);
    const others: LeftOut = new Map();
    for (const entry of entries) if (!isPicture(entry)) leaveOut(others, kindOf(entry));
    if (files.length === 0)
      throw new Error(
        `Reading the class folder ${join(folder, name)}: found no picture in it${others.size > 0 ? ` but ${counted(others)}` : ''}, expected ${PICTURES} directly inside. Put the class's pictures there, or remove the folder.`,
      );
    for (const [kind, count] of others) leaveOut(leftOut, kind, count);
    for (const file of files) {
      const picture = { path: join(folder, name, file) };
      pictures.push({ id: `${source}/${name}/${file}`, labels, captions: [], picture });
    }
  }
  if (leftOut.size > 0)
    onLeftOut(
      `Reading the class folder ${folder}: left out ${counted(leftOut)}, expected ${PICTURES} directly in each class's folder. Save as JPEG or PNG what is a picture all the same, and put right the links that are to be seen.`,
    );
  return pictureSource(folder, source, pictures);
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
  /** Of a link that cannot be followed: `leads nowhere`. */
  readonly fault?: string;
}

/** `.heic`, `folder`, … */
function kindOf({ name, isFolder, fault }: Entry): string {
  if (fault !== undefined) return `link that ${fault}`;
  return isFolder ? 'folder' : extname(name).toLowerCase() || 'file without an ending';
}

/** In the order of their names, so that rows have the same numbers on every machine; `.git` and the like are no classes. */
async function visibleEntries(folder: string): Promise<Entry[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new Error(`Reading the class folder ${folder}: it cannot be listed. Check its permissions.`, {
      cause,
    });
  });
  const visible = found.filter(({ name }) => !name.startsWith('.'));
  const entries = visible.map(async (entry) =>
    entry.isSymbolicLink()
      ? await follow(folder, entry.name)
      : { name: entry.name, isFolder: entry.isDirectory() },
  );
  return (await Promise.all(entries)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What is wrong with the one link. Any other failure would meet the next one too. */
const FAULTS_OF_A_LINK: ReadonlyMap<string | undefined, string> = new Map([
  ['ENOENT', 'leads nowhere'],
  ['ENOTDIR', 'leads nowhere'],
  ['ELOOP', 'leads in a circle'],
  ['EACCES', 'leads to what permissions forbid'],
]);

async function follow(folder: string, name: string): Promise<Entry> {
  try {
    return { name, isFolder: (await stat(join(folder, name))).isDirectory() };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const fault = FAULTS_OF_A_LINK.get(code);
    if (fault !== undefined) return { name, isFolder: false, fault };
    throw new Error(`Reading the link ${join(folder, name)}: ${message}. See to the machine first.`, {
      cause,
    });
  }
}

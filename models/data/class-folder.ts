/** A class folder, folder/<class>/<pictures>: the class's folder name is the label; pictures are read when asked for. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseLabel } from './labels.ts';
import type { PairSource } from './types.ts';

/** What counts as a picture by its name; other files in a class's folder (Thumbs.db, notes) are passed over. */
const PICTURE = /\.(jpe?g|png|webp|gif|avif|tiff?)$/i;

export async function openClassFolder(folder: string): Promise<PairSource> {
  const source = basename(resolve(folder));
  const classes = (await visibleEntries(folder)).filter((entry) => entry.isFolder).map(({ name }) => name);
  if (classes.length === 0)
    throw new Error(
      `Reading the folder ${folder}: found neither parquet files nor folders in it, expected *.parquet or one folder of pictures for each class (${join(folder, '<class>')}). Name another folder, or sort the pictures into folders by class.`,
    );
  const pictures: { path: string; id: string; labels: string[] }[] = [];
  for (const name of classes) {
    const labels = parseLabel(name);
    if (labels.length === 0)
      throw new Error(
        `Reading the class folder ${join(folder, name)}: found no name in its own, expected a word or several separated by "; ". Rename the folder.`,
      );
    const entries = await visibleEntries(join(folder, name));
    const files = entries
      .filter((entry) => !entry.isFolder && PICTURE.test(entry.name))
      .map((entry) => entry.name);
    if (files.length === 0)
      throw new Error(
        `Reading the class folder ${join(folder, name)}: found no picture in it, expected .jpg, .png, .webp, .gif, .avif or .tif files directly inside. Put the class's pictures there, or remove the folder.`,
      );
    for (const file of files)
      pictures.push({ path: join(folder, name, file), id: `${source}/${name}/${file}`, labels });
  }
  const text = (index: number) => {
    const { id, labels } = pictures[index];
    return { id, labels, captions: [], source };
  };
  return {
    name: folder,
    length: pictures.length,
    text,
    row: async (index) => ({ ...text(index), image: await readPicture(pictures[index].path) }),
  };
}

/** In the order of their names, so that rows have the same numbers on every machine; `.git` and the like are no classes. */
async function visibleEntries(folder: string): Promise<{ name: string; isFolder: boolean }[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new Error(`Reading the class folder ${folder}: it cannot be listed. Check its permissions.`, {
      cause,
    });
  });
  const visible = found.filter(({ name }) => !name.startsWith('.'));
  const entries = visible.map(async (entry) => ({
    name: entry.name,
    isFolder: entry.isSymbolicLink() ? await leadsToFolder(join(folder, entry.name)) : entry.isDirectory(),
  }));
  return (await Promise.all(entries)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function leadsToFolder(link: string): Promise<boolean> {
  const found = await stat(link).catch((cause: unknown) => {
    throw new Error(
      `Reading the link ${link}: it leads nowhere. Take it out, or put back what it leads to.`,
      { cause },
    );
  });
  return found.isDirectory();
}

async function readPicture(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw new Error(
      `Reading the picture ${path}: it was there when the data was opened and cannot be read now. Put it back, or start anew.`,
      { cause },
    );
  });
}

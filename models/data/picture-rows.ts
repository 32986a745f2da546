/**
 * Rows whose pictures stay on the disk, as files or as parts of larger files, and are read when asked for: the half that all
 * formats but parquet have in common. Where the words come from, and where the pictures lie, is each format's own.
 */
import { open, readFile, stat } from 'node:fs/promises';
import { faultOfFile } from '../files/file-fault.ts';
import { readRange } from '../files/folder.ts';
import type { PairSource } from './types.ts';

export interface PicturePlace {
  readonly path: string;
  /** The bytes of a larger file that are the picture; the whole file where it is left out. */
  readonly part?: { readonly offset: number; readonly length: number };
}

export interface PictureRow {
  readonly id: string;
  readonly labels: readonly string[];
  readonly captions: readonly string[];
  readonly picture: PicturePlace;
}

/** One picture is not to be had, as a damaged one is not; the rest of the data may well be. */
export class UnreadablePicture extends Error {}

/** @param dataSet what the rows' `source` is */
export function pictureSource(name: string, dataSet: string, rows: readonly PictureRow[]): PairSource {
  const text = (index: number) => {
    const { id, labels, captions } = rows[index];
    return { id, labels, captions, source: dataSet };
  };
  return {
    name,
    length: rows.length,
    text,
    row: async (index) => ({ ...text(index), image: await readPicture(rows[index].picture) }),
  };
}

async function readPicture({ path, part }: PicturePlace): Promise<Uint8Array> {
  try {
    return part ? await readPart(path, part) : await readFile(path);
  } catch (error) {
    if (error instanceof UnreadablePicture) throw error;
    const cause = error as NodeJS.ErrnoException;
    const fault = faultOfFile(cause);
    if (fault !== undefined)
      throw new UnreadablePicture(
        `Reading the picture ${path}: ${fault}, expected the file that the data named when it was opened. Put it back, or take its row out.`,
        { cause },
      );
    const found =
      cause.code === 'EMFILE'
        ? 'this process has as many files open as it may. Allow it more, as `ulimit -n 4096` does, and start it again.'
        : `${cause.message}. See to the machine first.`;
    throw new Error(`Reading the picture ${path}: ${found}`, { cause });
  }
}

async function readPart(path: string, { offset, length }: { offset: number; length: number }) {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    if (offset + length > size)
      throw new UnreadablePicture(
        `Reading the picture at byte ${offset} of ${path}: the file ends at byte ${size}, expected ${length} bytes. Fetch it anew.`,
      );
    return await readRange(handle, path, offset, offset + length);
  } finally {
    await handle.close();
  }
}

/** Enough that a few missing pictures do not pass for a wrong folder. */
const LOOKED_FOR = 20;

/**
 * The first of some ways to find pictures by which any of the first ones is there; null where none is. So a list beside the wrong folder
 * is refused while opening, while single pictures that are missing are met later as damaged ones are.
 */
export async function firstWayThatFinds<Way extends (file: string) => string>(
  ways: readonly Way[],
  files: readonly string[],
): Promise<Way | null> {
  for (const way of ways)
    for (const file of files.slice(0, LOOKED_FOR)) if (await isFile(way(file))) return way;
  return null;
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ?? false;
}

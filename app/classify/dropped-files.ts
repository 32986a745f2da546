// What was dropped, file by file, as folders give them out. What cannot be read is told of in its place and costs nothing else.

import type { LeftOut } from './picture-files.ts';

/** Entries for folders and files; a File where the browser has no entry for it, as for a picture dragged out of a page. */
type Dropped = FileSystemEntry | File;

/** Call while the drop is handled: afterwards the browser has let go of it. */
export function droppedItems({ items }: DataTransfer): Dropped[] {
  return [...items].flatMap((item) =>
    item.kind === 'file' ? (item.webkitGetAsEntry() ?? item.getAsFile() ?? []) : [],
  );
}

export async function* droppedFiles(dropped: readonly Dropped[]): AsyncGenerator<File | LeftOut> {
  for (const item of dropped) {
    if (item instanceof File) yield item;
    else if (isDirectory(item)) yield* folderFiles(item);
    else if (isFile(item)) yield await orLeftOut(item, fileOf(item));
  }
}

async function* folderFiles(folder: FileSystemDirectoryEntry): AsyncGenerator<File | LeftOut> {
  const reader = folder.createReader();
  for (;;) {
    // A hundred at a time, until there are none.
    const entries = await orLeftOut(
      folder,
      new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject)),
    );
    if (!Array.isArray(entries)) {
      yield entries;
      return;
    }
    if (entries.length === 0) return;
    yield* droppedFiles(entries);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

async function orLeftOut<Found>({ name, isFile }: FileSystemEntry, found: Promise<Found>) {
  try {
    return await found;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    const what = isFile ? name : `The folder ${name}`;
    const leftOut: LeftOut = {
      name,
      reason: `${what} could not be read: it was moved or deleted, or this browser may not open it. Check that it opens elsewhere, and add it again.`,
    };
    return leftOut;
  }
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

// What was dropped, file by file, as folders give them out. What cannot be read is told of in its place and costs nothing else.

export interface DroppedFile {
  /** With the folders in which it lies: `holiday/beach/1.jpg`. */
  readonly path: string;
  readonly file: File;
}

export interface Unread {
  readonly name: string;
  /** One sentence for a person. */
  readonly reason: string;
}

/** Entries for folders and files; a File where the browser has no entry for it, as for a picture dragged out of a page. */
type Dropped = FileSystemEntry | File;

/** Call while the drop is handled: afterwards the browser has let go of it. */
export function droppedItems({ items }: DataTransfer): Dropped[] {
  return [...items].flatMap((item) =>
    item.kind === 'file' ? (item.webkitGetAsEntry() ?? item.getAsFile() ?? []) : [],
  );
}

export async function* droppedFiles(
  dropped: readonly Dropped[],
  inside = '',
): AsyncGenerator<DroppedFile | Unread> {
  for (const item of dropped) {
    const path = `${inside}${item.name}`;
    if (item instanceof File) yield { path, file: item };
    else if (isDirectory(item)) yield* folderFiles(item, path);
    else if (isFile(item)) {
      const file = await orUnread(item, fileOf(item));
      yield file instanceof File ? { path, file } : file;
    }
  }
}

async function* folderFiles(
  folder: FileSystemDirectoryEntry,
  path: string,
): AsyncGenerator<DroppedFile | Unread> {
  const reader = folder.createReader();
  for (;;) {
    // A hundred at a time, until there are none.
    const entries = await orUnread(
      folder,
      new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject)),
    );
    if (!Array.isArray(entries)) {
      yield entries;
      return;
    }
    if (entries.length === 0) return;
    yield* droppedFiles(entries, `${path}/`);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

async function orUnread<Found>(
  { name, isFile }: FileSystemEntry,
  found: Promise<Found>,
): Promise<Found | Unread> {
  try {
    return await found;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    const what = isFile ? name : `The folder ${name}`;
    return {
      name,
      reason: `${what} could not be read: it was moved or deleted, or this browser may not open it. Check that it opens elsewhere, and add it again.`,
    };
  }
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

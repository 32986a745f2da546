// A folder that was picked or dropped, as a model's files by their paths inside it.

import type { PickedFile } from './keep/keep-model.ts';

export interface PickedFolder {
  readonly name: string;
  readonly files: readonly PickedFile[];
}

/** Throws a sentence where no model is in it. */
export function pickedFolder(files: readonly File[]): PickedFolder {
  return rooted(files.map((file) => ({ path: file.webkitRelativePath || file.name, file })));
}

/** The folder that holds config.json, wherever in what was dropped that is: somebody may drop the one around it. */
function rooted(files: readonly PickedFile[]): PickedFolder {
  const roots = files
    .filter(({ path }) => path.split('/').at(-1) === 'config.json')
    .map(({ path }) => path.slice(0, -'config.json'.length))
    .sort((a, b) => a.length - b.length);
  const [root] = roots;
  if (root === undefined) {
    const name = files[0]?.path.split('/')[0] ?? 'This';
    throw new Error(
      `${name} is no model folder: it holds no config.json. Choose the folder with config.json and onnx/ in it, as \`npm run -s import\` and the hub lay it out.`,
    );
  }
  return {
    name: root.split('/').filter(Boolean).at(-1) ?? 'model',
    files: files
      .filter(({ path }) => path.startsWith(root))
      .map(({ path, file }) => ({ path: path.slice(root.length), file })),
  };
}

/** Call while the drop is handled: afterwards the browser has let go of it. */
export async function droppedFolder({ items }: DataTransfer): Promise<PickedFolder> {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const files: PickedFile[] = [];
  for (const entry of entries) await collect(entry, '', files);
  return rooted(files);
}

async function collect(entry: FileSystemEntry, before: string, files: PickedFile[]): Promise<void> {
  const path = `${before}${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    files.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A hundred at a time, until there are none.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (entries.length === 0) return;
    for (const each of entries) await collect(each, `${path}/`, files);
  }
}

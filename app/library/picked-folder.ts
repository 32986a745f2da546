// A folder that was picked or dropped, as a model's files by their paths inside it.

import { droppedFiles, droppedItems } from '../ui/dropped-files.ts';
import type { PickedFile } from './keep/keep-model.ts';

export interface PickedFolder {
  readonly name: string;
  readonly files: readonly PickedFile[];
}

const CONFIG = 'config.json';
/** Of several folders as many are named. */
const NAMED = 3;

/** Throws a sentence where no model is in it, or several are. */
export function pickedFolder(files: readonly File[]): PickedFolder {
  return rooted(files.map((file) => ({ path: file.webkitRelativePath || file.name, file })));
}

/** Call while the drop is handled: afterwards the browser has let go of it. */
export async function droppedFolder(transfer: DataTransfer): Promise<PickedFolder> {
  const files: PickedFile[] = [];
  for await (const found of droppedFiles(droppedItems(transfer))) {
    if ('reason' in found) throw new Error(found.reason);
    files.push(found);
  }
  return rooted(files);
}

/** The folder that holds config.json, wherever in what was given that is: somebody may drop the one around it. */
function rooted(files: readonly PickedFile[]): PickedFolder {
  const found = files.flatMap(({ path }) => {
    const parts = path.split('/');
    return parts.at(-1) === CONFIG ? [parts.slice(0, -1)] : [];
  });
  const depth = found.reduce((least, { length }) => Math.min(least, length), Infinity);
  const [root, ...others] = found.filter(({ length }) => length === depth);
  if (root === undefined) {
    const name = files[0]?.path.split('/')[0] ?? 'This';
    throw new Error(
      `${name} is no model folder: it holds no config.json. Choose the folder with config.json and onnx/ in it, as \`npm run -s import\` and the hub lay it out.`,
    );
  }
  if (others.length > 0) {
    const names = [root, ...others].map((parts) => parts.at(-1));
    const named = names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ' …' : '');
    throw new Error(`There are several model folders in it: ${named}. Add one at a time.`);
  }
  const before = root.map((part) => `${part}/`).join('');
  return {
    name: root.at(-1) ?? 'model',
    files: files
      .filter(({ path }) => path.startsWith(before))
      .map(({ path, file }) => ({ path: path.slice(before.length), file })),
  };
}

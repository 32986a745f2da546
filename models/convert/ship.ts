// What a page downloads of an exported folder in a folder of its own: no checkpoint, no model.safetensors, no precision that the
// manifest does not list. A model card that lies there already stays.

import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readModelFolder } from '../clip/model-folder.ts';
import { directorySource, writeFileWhole } from '../files/folder.ts';

/** Copies what manifest.json lists from `path` to `to`, each file checked, and takes other encoders out of `to`. */
export async function shipModel(path: string, to: string): Promise<void> {
  const folder = await readModelFolder(directorySource(path));
  const files = folder.manifest?.files ?? [];
  for (const file of files) await writeFileWhole(join(to, file.path), await folder.read(file.path));
  await writeFileWhole(join(to, 'manifest.json'), await readFile(join(path, 'manifest.json')));
  const shipped = new Set(files.map((file) => file.path));
  for (const name of await readdir(join(to, 'onnx'))) {
    if (!shipped.has(`onnx/${name}`)) await rm(join(to, 'onnx', name));
  }
}

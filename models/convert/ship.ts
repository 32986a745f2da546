// What a page downloads of an exported folder in a folder of its own: no checkpoint, no model.safetensors, no precision that the
// manifest does not list. A model card that lies there already stays.

import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { precisionsOf } from '../clip/encoder-files.ts';
import { readModelFolder } from '../clip/model-folder.ts';
import { directorySource, writeFileWhole } from '../files/folder.ts';
import { verifyOnDisk } from '../files/hash-file.ts';

/** Copies what manifest.json lists from `path` to `to`, each file checked, and takes other encoders out of `to`. */
export async function shipModel(path: string, to: string): Promise<void> {
  await refuseSameFolder(path, to);
  const { manifest } = await readModelFolder(directorySource(path));
  const { files } = manifest ?? { files: [] };
  if (precisionsOf(files).length === 0) {
    throw new Error(
      `${path} was not copied to ${to}: ${manifest ? 'its manifest.json lists no encoders' : 'it has no manifest.json'}, and what that lists is what a page downloads. \`npm run -s export -- --model ${path}\` makes it.`,
    );
  }
  for (const file of files) {
    await verifyOnDisk(path, file.path, { files });
    await writeFileWhole(join(to, file.path), createReadStream(join(path, file.path)));
  }
  await writeFileWhole(join(to, 'manifest.json'), await readFile(join(path, 'manifest.json')));
  const shipped = new Set(files.map((file) => file.path));
  for (const name of await readdir(join(to, 'onnx'))) {
    if (!shipped.has(`onnx/${name}`)) await rm(join(to, 'onnx', name));
  }
}

/** Throws where both are one folder: of its own encoders a model would lose those that no page downloads. */
export async function refuseSameFolder(path: string, to: string): Promise<void> {
  const real = (folder: string) =>
    realpath(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw new Error(`The folder ${folder} could not be found: ${error.message}.`, { cause: error });
    });
  const target = await real(to);
  if (target !== null && target === (await real(path))) {
    throw new Error(
      `${to} is the model's own folder, and what a page downloads was to be copied into another. Leave --to out, or name another folder.`,
    );
  }
}

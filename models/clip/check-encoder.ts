// A look through an encoder's graph before any runtime gets it.

import { encoderPath } from './encoder-files.ts';
import { checkGraph } from './graph-check.ts';
import type { ModelFolder } from './model-folder.ts';
import type { Encoder, FolderFile, Precision } from './types.ts';

export interface CheckedEncoder {
  /** The files with weights that the graph needs beside it; a runtime in a page is given them by their names. */
  readonly dataFiles: readonly FolderFile[];
  /** The program that wrote the graph, as it names itself. */
  readonly producer: string;
}

/**
 * Call with an encoder's bytes, as the folder gives them.
 *
 * @throws one sentence where the bytes are no sound graph, or want data from elsewhere than their folder
 */
export function checkEncoder(
  folder: Pick<ModelFolder, 'name' | 'files'>,
  encoder: Encoder,
  precision: Precision,
  graph: Uint8Array,
): CheckedEncoder {
  const path = encoderPath(encoder, precision);
  const place = path.slice(0, path.lastIndexOf('/') + 1);
  const beside = new Map(
    folder.files
      .filter((file) => file.path.startsWith(place))
      .map((file) => [file.path.slice(place.length), file] as const),
  );
  const sizes = new Map(Array.from(beside, ([name, { bytes }]) => [name, bytes]));
  const { dataFiles, producer } = checkGraph(graph, `${folder.name}/${path}`, sizes);
  return { dataFiles: dataFiles.flatMap((name) => beside.get(name) ?? []), producer };
}

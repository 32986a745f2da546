import { checkEncoder } from '../../models/clip/check-encoder.ts';
import { encoderPath } from '../../models/clip/encoder-files.ts';
import type { Encoder, FolderFile, FolderSource, Precision } from '../../models/clip/types.ts';
import type { EncoderBytes } from './session.ts';

/** An encoder's files, checked before the runtime gets them. Throws a sentence. */
export async function readEncoder(
  source: FolderSource,
  files: readonly FolderFile[],
  encoder: Encoder,
  precision: Precision,
): Promise<EncoderBytes> {
  const graph = await source.read(encoderPath(encoder, precision));
  const { dataFiles, producer } = checkEncoder({ name: source.name, files }, encoder, precision, graph);
  const externalData = await Promise.all(
    dataFiles.map(async ({ path }) => ({
      path: path.split('/').at(-1) ?? path,
      data: await source.read(path),
    })),
  );
  return { graph, externalData, producer };
}

/** A source without its damaged pictures, for whoever cannot let other rows stand in for them. */
import { decodeImage } from '../files/decode-image.ts';
import { UnreadablePicture } from './picture-rows.ts';
import { selectRows } from './sources.ts';
import type { PairRow, PairSource } from './types.ts';

/** Reads and decodes every picture once and keeps the rows of the sound ones; each of the others is told of in a sentence. */
export async function soundRows(
  source: PairSource,
  onDamaged: (message: string) => void,
): Promise<PairSource> {
  const sound: number[] = [];
  for (let index = 0; index < source.length; index++) {
    const reason = await fault(source, index);
    if (reason === null) sound.push(index);
    else onDamaged(`Leaving out a picture: ${reason}`);
  }
  if (sound.length === 0)
    throw new Error(
      `Decoding the pictures of ${source.name}: found none of ${source.length} that can be decoded, expected JPEG, PNG, WebP, GIF, AVIF or TIFF. Check the data.`,
    );
  return selectRows(source, sound, source.name);
}

/** Why a row's picture is of no use; null where it is sound. Throws where more than the one picture is at fault. */
async function fault(source: PairSource, index: number): Promise<string | null> {
  let row: PairRow;
  try {
    row = await source.row(index);
  } catch (error) {
    if (error instanceof UnreadablePicture) return error.message;
    throw error;
  }
  try {
    await decodeImage(row.image, row.id);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

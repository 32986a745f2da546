/** A source without its damaged pictures, for whoever cannot let other rows stand in for them. */
import { messageOf } from '../clip/message-of.ts';
import type { RgbImage } from '../clip/types.ts';
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
    const found = await soundRow(source, index);
    if ('row' in found) sound.push(index);
    else onDamaged(`Leaving out a picture: ${found.reason}`);
  }
  if (sound.length === 0)
    throw new Error(
      `Decoding the pictures of ${source.name}: found none of ${source.length} that can be decoded, expected JPEG, PNG, WebP, GIF, AVIF or TIFF. Check the data.`,
    );
  return selectRows(source, sound, source.name);
}

/** A row with its picture decoded, or why that is of no use. Rejects where more than the one picture is at fault. */
export async function soundRow(
  source: PairSource,
  index: number,
): Promise<{ readonly row: PairRow; readonly picture: RgbImage } | { readonly reason: string }> {
  let row: PairRow;
  try {
    row = await source.row(index);
  } catch (error) {
    if (error instanceof UnreadablePicture) return { reason: error.message };
    throw error;
  }
  try {
    return { row, picture: await decodeImage(row.image, row.id) };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

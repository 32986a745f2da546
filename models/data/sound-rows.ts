/** A source without its damaged pictures, for whoever cannot let other rows stand in for them. */
import { decodeImage } from '../files/decode-image.ts';
import { selectRows } from './sources.ts';
import type { PairSource } from './types.ts';

/** Decodes every picture once and keeps the rows of the sound ones; each of the others is told of in a sentence. */
export async function soundRows(
  source: PairSource,
  onDamaged: (message: string) => void,
): Promise<PairSource> {
  const sound: number[] = [];
  for (let index = 0; index < source.length; index++) {
    const { image, id } = await source.row(index);
    try {
      await decodeImage(image, id);
      sound.push(index);
    } catch (error) {
      onDamaged(`Leaving out a picture: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (sound.length === 0)
    throw new Error(
      `Decoding the pictures of ${source.name}: found none of ${source.length} that can be decoded, expected JPEG, PNG, WebP, GIF, AVIF or TIFF. Check the data.`,
    );
  return selectRows(source, sound, source.name);
}

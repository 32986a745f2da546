/**
 * A source as batches for training: shuffled anew each epoch, cropped and captioned anew, decoded ahead on other threads.
 * `batch(step)` is a pure function of (source, options, step), so that a resumed run sees exactly what an unstopped one
 * would have. The rows left over at an epoch's end are dropped; the next epoch's shuffle draws other ones.
 */
import type { RgbImage } from '../clip/types.ts';
import { drawCaption } from './captions.ts';
import { openDecodePool } from './decode-pool.ts';
import { keepDecoded } from './decoded-pictures.ts';
import type { Lexicon } from './lexicon.ts';
import { keysOf, type PairKeys } from './pair-keys.ts';
import { UnreadablePicture } from './picture-rows.ts';
import { permutation, randomStream } from './random.ts';
import type { PairSource } from './types.ts';

export interface PairStreamOptions {
  readonly batchSize: number;
  /** Side of the network's square input, in pixels. */
  readonly imageSize: number;
  /** Per channel: (value / 255 - mean) / std. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly seed: number;
  /** Decoding threads; one keeps up with several hundred pictures a second. */
  readonly workers?: number;
  readonly cropScale?: readonly [least: number, most: number];
  readonly flip?: boolean;
  /** The share of pictures whose colours are changed a little: 0 where it is left out. */
  readonly colorJitterProb?: number;
  /** The share of pictures that are shown in shades of grey: 0 where it is left out. */
  readonly grayScaleProb?: number;
  /** The share of pictures that are shown as coarse as small ones are: 0 where it is left out. */
  readonly lowResProb?: number;
  /** What labels mean; captions are then drawn from it too, and pairs compared by it. */
  readonly lexicon?: Lexicon;
  /** Told once of each picture that cannot be read or decoded, as a sentence that names the row or the file. */
  readonly onDamaged?: (message: string) => void;
}

export interface PairBatch {
  /** [batch, 3, imageSize, imageSize] */
  readonly pixel_values: Float32Array<ArrayBuffer>;
  readonly captions: readonly string[];
  /** What each caption says and each picture holds, in lower case: a caption that is true of a picture is none of its negatives. */
  readonly keys: readonly PairKeys[];
  /** How many damaged pictures other rows stand in for. */
  readonly skipped: number;
}

export interface PairStream {
  readonly batchesPerEpoch: number;
  /** Step 0 is the first batch of the first epoch. Rejects with a sentence where too much of the source is damaged. */
  batch(step: number): Promise<PairBatch>;
  close(): Promise<void>;
}

/** Batches decoded ahead of the one asked for, per thread: a training step may take as long as decoding several. */
const BATCHES_AHEAD = 2;
/** Where most pictures are damaged the source itself is at fault; the first few do not count yet. */
const MAX_DAMAGED_SHARE = 0.5;
const FEW_DAMAGED = 10;

export function openPairStream(source: PairSource, options: PairStreamOptions): PairStream {
  const { batchSize, imageSize, mean, std, seed, onDamaged = console.warn } = options;
  const {
    workers = 1,
    cropScale = [0.5, 1],
    flip = true,
    colorJitterProb = 0,
    grayScaleProb = 0,
    lowResProb = 0,
    lexicon,
  } = options;
  if (source.length < batchSize)
    throw new Error(
      `Reading batches of ${batchSize} pairs from ${source.name}: found ${source.length} rows, expected at least one batch. Use a smaller batch or more data.`,
    );
  const batchesPerEpoch = Math.floor(source.length / batchSize);
  const aspectRatio = [4 / 5, 5 / 4] as const;
  const pool = openDecodePool(workers, {
    imageSize,
    mean,
    std,
    seed,
    cropScale,
    flip,
    aspectRatio,
    colorJitterProb,
    grayScaleProb,
    lowResProb,
  });

  let order: { epoch: number; rows: Uint32Array } | undefined;
  const rowsOf = (epoch: number): Uint32Array => {
    if (order?.epoch !== epoch)
      order = { epoch, rows: permutation(source.length, randomStream('order', seed, epoch)) };
    return order.rows;
  };

  const pictures = keepDecoded();
  const tried = new Set<number>();
  const damaged = new Set<number>();
  const countDamaged = (row: number, reason: string) => {
    if (damaged.has(row)) return;
    damaged.add(row);
    onDamaged(`Skipping a picture: ${reason}`);
    if (damaged.size > Math.max(FEW_DAMAGED, tried.size * MAX_DAMAGED_SHARE))
      throw new Error(
        `Decoding pictures of ${source.name}: ${damaged.size} of the ${tried.size} pictures tried so far cannot be read or decoded, expected at most half of them. Check that the data is complete and its pictures are JPEG, PNG, WebP, GIF, AVIF or TIFF. The last one: ${reason}`,
      );
  };

  async function decode(epoch: number, rows: readonly number[]) {
    /** Why there is no picture to decode, by place. */
    const unreadable = new Map<number, string>();
    const read = async (row: number, place: number): Promise<Uint8Array | RgbImage> => {
      try {
        const kept = pictures.get(source.text(row).id);
        if (kept) return kept;
        return (await source.row(row)).image;
      } catch (error) {
        if (!(error instanceof UnreadablePicture)) throw error;
        unreadable.set(place, error.message);
        // No decoder takes it for a picture: it counts as damaged.
        return new Uint8Array();
      }
    };
    const images = await Promise.all(rows.map(read));
    const names = rows.map((row) => source.text(row).id);
    const result = await pool.decode({ epoch, rows, names, images });
    for (const { place, picture } of result.decoded) pictures.keep(names[place], picture);
    for (const row of rows) tried.add(row);
    for (const { place, reason } of result.damaged)
      countDamaged(rows[place], unreadable.get(place) ?? reason);
    return result;
  }

  async function makeBatch(step: number): Promise<PairBatch> {
    const epoch = Math.floor(step / batchesPerEpoch);
    const start = (step % batchesPerEpoch) * batchSize;
    const shuffled = rowsOf(epoch);
    const rows = Array.from(shuffled.subarray(start, start + batchSize));
    const { pixel_values, damaged: found } = await decode(epoch, rows);
    // The rows after the batch stand in for damaged ones, in the epoch's order, whatever is already known to be damaged:
    // a resumed run knows less and must come to the same batch.
    const pixelsEach = pixel_values.length / batchSize;
    let places = found.map(({ place }) => place);
    let skipped = 0;
    while (places.length > 0) {
      const from = start + batchSize + skipped;
      skipped += places.length;
      if (skipped > source.length)
        throw new Error(
          `Decoding pictures of ${source.name}: none of the ${source.length} pictures can be read and decoded, expected JPEG, PNG, WebP, GIF, AVIF or TIFF. Check the data.`,
        );
      const standIns = places.map((_, k) => shuffled[(from + k) % source.length]);
      const decoded = await decode(epoch, standIns);
      for (const [k, place] of places.entries()) {
        rows[place] = standIns[k];
        pixel_values.set(
          decoded.pixel_values.subarray(k * pixelsEach, (k + 1) * pixelsEach),
          place * pixelsEach,
        );
      }
      places = decoded.damaged.map(({ place }) => places[place]);
    }
    const texts = rows.map((row) => source.text(row));
    const drawn = texts.map((text, i) => drawCaption(text, { seed, epoch, row: rows[i] }, lexicon));
    return {
      pixel_values,
      captions: drawn.map(({ caption }) => caption),
      keys: texts.map((text, i) => keysOf(text, drawn[i], lexicon)),
      skipped,
    };
  }

  const pending = new Map<number, Promise<PairBatch>>();
  return {
    batchesPerEpoch,
    batch(step) {
      const last = step + BATCHES_AHEAD * workers;
      for (const known of pending.keys()) if (known < step || known > last) pending.delete(known);
      for (let ahead = step; ahead <= last; ahead++) {
        if (pending.has(ahead)) continue;
        const made = makeBatch(ahead);
        // Its failure is told to whoever asks for this batch; until then it must not end the process as unhandled.
        made.catch(() => undefined);
        pending.set(ahead, made);
      }
      const batch = pending.get(step) ?? makeBatch(step);
      pending.delete(step);
      return batch;
    },
    close: () => pool.close(),
  };
}

/**
 * A source as batches for training: shuffled anew each epoch, cropped and captioned anew, decoded ahead on other threads.
 * `batch(step)` is a pure function of (source, options, step), so that a resumed run sees exactly what an unstopped one
 * would have. The rows left over at an epoch's end are dropped; the next epoch's shuffle draws other ones.
 */
import type { RgbImage } from '../clip/types.ts';
import { limitAtOnce } from './at-once.ts';
import { type CaptionWords, drawCaption } from './captions.ts';
import { countDamage } from './damage-count.ts';
import type { DecodeResult, DecodeSettings } from './decode-job.ts';
import { type DecodePool, openDecodePool } from './decode-pool.ts';
import { keepDecoded } from './decoded-pictures.ts';
import type { Lexicon } from './lexicon.ts';
import { keysOf, type PairKeys } from './pair-keys.ts';
import { UnreadablePicture } from './picture-rows.ts';
import { permutation, randomStream } from './random.ts';
import { readAhead } from './read-ahead.ts';
import type { PairSource } from './types.ts';

export interface PairStreamOptions {
  readonly batchSize: number;
  /** Side of the network's square input, in pixels. */
  readonly imageSize: number;
  /** Per channel: (value / 255 - mean) / std. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly seed: number;
  /**
   * Decoding threads. A core makes some 200 photographs of 500 × 375 pixels ready a second, or 800 WebPs of 96 × 96. All but small WebPs
   * are decoded on libuv's threads, of which the process has four unless UV_THREADPOOL_SIZE says otherwise.
   */
  readonly workers?: number;
  readonly cropScale?: readonly [least: number, most: number];
  /** The share of crops that are mirrored: half of them where it is left out. */
  readonly flipProb?: number;
  /** The share of pictures whose colours are changed a little: 0 where it is left out. */
  readonly colorJitterProb?: number;
  /** The share of pictures that are shown in shades of grey: 0 where it is left out. */
  readonly grayScaleProb?: number;
  /** The share of pictures that are shown as coarse as small ones are: 0 where it is left out. */
  readonly lowResProb?: number;
  /** What labels mean; captions are then drawn from it too, and pairs compared by it. */
  readonly lexicon?: Lexicon;
  /** What captions of labelled rows are drawn from: all that is known where it is left out. */
  readonly captionWords?: readonly CaptionWords[];
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

/**
 * Batches begun ahead of the one that is asked for, beside one for each thread: a training step may take as long as decoding
 * several, and those whose pictures are still being read keep no thread busy.
 */
const BATCHES_TO_SPARE = 2;
/** Pictures read at once, whatever the batches' size: each is an open file, and a process may have a thousand or fewer. */
const READS_AT_ONCE = 32;
const ASPECT_RATIO = [4 / 5, 5 / 4] as const;

export function openPairStream(source: PairSource, options: PairStreamOptions): PairStream {
  const { batchSize, workers = 1, onDamaged = console.warn } = options;
  if (source.length < batchSize)
    throw new Error(
      `Reading batches of ${batchSize} pairs from ${source.name}: found ${source.length} rows, expected at least one batch. Use a smaller batch or more data.`,
    );
  const pool = openDecodePool(workers, decodeSettings(options));
  const makeBatch = batchMaker(source, options, rowDecoder(source, pool, onDamaged));
  return {
    batchesPerEpoch: batchesOf(source, options),
    batch: readAhead(makeBatch, workers + BATCHES_TO_SPARE),
    close: () => pool.close(),
  };
}

function batchesOf(source: PairSource, { batchSize }: PairStreamOptions): number {
  return Math.floor(source.length / batchSize);
}

function decodeSettings(options: PairStreamOptions): DecodeSettings {
  const { imageSize, mean, std, seed, cropScale = [0.5, 1], flipProb = 0.5 } = options;
  const { colorJitterProb = 0, grayScaleProb = 0, lowResProb = 0 } = options;
  return {
    imageSize,
    mean,
    std,
    seed,
    cropScale,
    flipProb,
    aspectRatio: ASPECT_RATIO,
    colorJitterProb,
    grayScaleProb,
    lowResProb,
  };
}

type RowDecoder = (epoch: number, rows: readonly number[]) => Promise<DecodeResult>;

/** Reads and decodes pictures, keeps them for the epochs to come, and counts the damaged ones. */
function rowDecoder(source: PairSource, pool: DecodePool, onDamaged: (message: string) => void): RowDecoder {
  const pictures = keepDecoded();
  const damage = countDamage(source.name, onDamaged);
  const inTurn = limitAtOnce(READS_AT_ONCE);
  return async (epoch, rows) => {
    const names = rows.map((row) => source.text(row).id);
    /** Why there is no picture to decode, by place. */
    const unreadable = new Map<number, string>();
    const read = async (row: number, place: number): Promise<Uint8Array | RgbImage> => {
      const kept = pictures.get(names[place]);
      if (kept) return kept;
      try {
        return (await inTurn(() => source.row(row))).image;
      } catch (error) {
        if (!(error instanceof UnreadablePicture)) throw error;
        unreadable.set(place, error.message);
        // No decoder takes it for a picture: it counts as damaged.
        return new Uint8Array();
      }
    };
    const images = await Promise.all(rows.map(read));
    const result = await pool.decode({ epoch, rows, names, images });
    for (const { place, picture } of result.decoded) pictures.keep(names[place], picture);
    damage.tried(rows);
    for (const { place, reason } of result.damaged)
      damage.damaged(rows[place], unreadable.get(place) ?? reason);
    return result;
  };
}

/** A batch as a pure function of its step. */
function batchMaker(
  source: PairSource,
  options: PairStreamOptions,
  decode: RowDecoder,
): (step: number) => Promise<PairBatch> {
  const { batchSize, seed, lexicon, captionWords } = options;
  const batchesPerEpoch = batchesOf(source, options);
  const orderOf = epochOrders(source.length, seed);
  return async (step) => {
    const epoch = Math.floor(step / batchesPerEpoch);
    const start = (step % batchesPerEpoch) * batchSize;
    const order = orderOf(epoch);
    const { rows, pixel_values, skipped } = await decodeSound(
      { name: source.name, epoch, order, start, count: batchSize },
      decode,
    );
    const texts = rows.map((row) => source.text(row));
    const drawn = texts.map((text, i) =>
      drawCaption(text, { seed, epoch, row: rows[i] }, lexicon, captionWords),
    );
    return {
      pixel_values,
      captions: drawn.map(({ caption }) => caption),
      keys: texts.map((text, i) => keysOf(text, drawn[i], lexicon)),
      skipped,
    };
  };
}

interface PartOfEpoch {
  /** The source's, for messages. */
  readonly name: string;
  readonly epoch: number;
  readonly order: Uint32Array;
  /** Where the part begins in the order. */
  readonly start: number;
  readonly count: number;
}

/**
 * Decodes a part of an epoch. The rows after it stand in for damaged ones, in the epoch's order, whatever is already known to be
 * damaged: a resumed run knows less and must come to the same batch.
 */
async function decodeSound({ name, epoch, order, start, count }: PartOfEpoch, decode: RowDecoder) {
  const rows = Array.from(order.subarray(start, start + count));
  const { pixel_values, damaged } = await decode(epoch, rows);
  const pixelsEach = pixel_values.length / count;
  let places = damaged.map(({ place }) => place);
  let skipped = 0;
  while (places.length > 0) {
    const from = start + count + skipped;
    skipped += places.length;
    if (skipped > order.length)
      throw new Error(
        `Decoding pictures of ${name}: none of the ${order.length} pictures can be read and decoded, expected JPEG, PNG, WebP, GIF, AVIF or TIFF. Check the data.`,
      );
    const standIns = places.map((_, k) => order[(from + k) % order.length]);
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
  return { rows, pixel_values, skipped };
}

/** Each epoch's order of the rows. The last one is kept: its batches come one after the other. */
function epochOrders(length: number, seed: number): (epoch: number) => Uint32Array {
  let last: { epoch: number; rows: Uint32Array } | undefined;
  return (epoch) => {
    if (last?.epoch !== epoch)
      last = { epoch, rows: permutation(length, randomStream('order', seed, epoch)) };
    return last.rows;
  };
}

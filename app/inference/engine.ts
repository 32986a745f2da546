// From photographs and prompts to unit vectors: what happens in front of the two encoders, and in which order.
//
//   photograph ─▶ decode, preprocess (a few at a time) ─▶ lane of pixel_values ─┐
//                                                                               ├─▶ one device
//   prompts ────▶ chunks ──────────────────────────────▶ lane of chunks ────────┘
//
// An engine takes requests before its device is there, and prepares what it can.

import { messageOf } from '../../models/clip/message-of.ts';
import { preprocess } from '../../models/clip/preprocess.ts';
import { normalize } from '../../models/clip/ranking.ts';
import type { EncodingBatch, Preprocessing, Tokenizer } from '../../models/clip/types.ts';
import type { DecodedImage } from './decode.ts';
import { DeviceQueue } from './queue.ts';
import { Semaphore } from './semaphore.ts';
import type { ImageEmbedding, PromptEmbeddings } from './types.ts';

/** A model's two towers on one device. Rows come back as the graphs give them, not normalised. */
export interface Encoders {
  /** `pixelValues` is [batch, 3, height, width]. */
  encodeImages(pixelValues: Float32Array, batch: number): Promise<readonly Float32Array[]>;
  encodeTexts(prompts: EncodingBatch): Promise<readonly Float32Array[]>;
}

export interface Engine {
  /** Requests wait until this is called, once. */
  start(encoders: Encoders): void;
  embedImage(photo: Blob, name: string, signal: AbortSignal): Promise<ImageEmbedding>;
  embedPrompts(prompts: readonly string[], signal: AbortSignal): Promise<PromptEmbeddings>;
}

export interface EngineParts {
  readonly tokenizer: Tokenizer;
  readonly preprocessing: Preprocessing;
  readonly decode: (photo: Blob, name: string) => Promise<DecodedImage>;
  /** Photographs that share one run at most. */
  readonly maxBatch: number;
}

/** Long enough to keep a device busy, short enough that a photograph between two chunks does not wait long. */
const PROMPTS_A_CHUNK = 64;
/** A decoded photograph is 4 bytes a pixel, 400 MB at the limit of 100 megapixels: two at once hide the decoder's time. */
const DECODED_AT_ONCE = 2;
/** Photographs that are prepared before there is a device. */
const AHEAD_OF_DEVICE = 1;

interface Prepared {
  readonly pixelValues: Float32Array;
  readonly ms: number;
  /** Lets the next photograph be prepared. */
  readonly leave: () => void;
}

export function createEngine(parts: EngineParts): Engine {
  const { tokenizer, preprocessing, decode, maxBatch } = parts;
  const queue = new DeviceQueue<Encoders>();
  // What is prepared waits in memory: never more than the next batch, or two where that is one. Before the device is there,
  // preparing takes the processor from what starts it.
  const ahead = new Semaphore(AHEAD_OF_DEVICE);
  const decoding = new Semaphore(DECODED_AT_ONCE);

  const images = queue.lane(
    maxBatch,
    async (encoders, batch: readonly Prepared[]): Promise<ImageEmbedding[]> => {
      for (const { leave } of batch) leave();
      const start = performance.now();
      const size = batch[0]?.pixelValues.length ?? 0;
      const pixelValues = new Float32Array(batch.length * size);
      for (const [i, prepared] of batch.entries()) pixelValues.set(prepared.pixelValues, i * size);
      const rows = await encoders.encodeImages(pixelValues, batch.length);
      const share = (performance.now() - start) / batch.length;
      return rows.map((row, i) => ({ vector: normalize(row), ms: (batch[i]?.ms ?? 0) + share }));
    },
  );

  const prompts = queue.lane(
    1,
    async (encoders, [chunk = []]: readonly (readonly string[])[]): Promise<PromptEmbeddings[]> => {
      const encoded = tokenizer.encodeBatch(chunk);
      const rows = await encoders.encodeTexts(encoded);
      return [{ vectors: rows.map(normalize), truncated: encoded.truncated }];
    },
  );

  async function prepare(photo: Blob, name: string, signal: AbortSignal): Promise<Omit<Prepared, 'leave'>> {
    const finished = await decoding.enter();
    try {
      signal.throwIfAborted();
      const start = performance.now();
      const image = await decode(photo, name);
      try {
        return { pixelValues: preprocess(image, preprocessing), ms: performance.now() - start };
      } catch (error) {
        throw failure(`${name} could not be made ready for the model`, error);
      } finally {
        image.close();
      }
    } finally {
      finished();
    }
  }

  return {
    start(encoders) {
      ahead.add(Math.max(maxBatch, DECODED_AT_ONCE) - AHEAD_OF_DEVICE);
      queue.start(encoders);
    },

    async embedImage(photo, name, signal) {
      const leave = await ahead.enter();
      try {
        const prepared = await prepare(photo, name, signal);
        return await named(
          images.push({ ...prepared, leave }, signal),
          `The model failed while it read ${name}`,
          signal,
        );
      } finally {
        leave();
      }
    },

    async embedPrompts(all, signal) {
      const chunks: Promise<PromptEmbeddings>[] = [];
      for (let i = 0; i < all.length; i += PROMPTS_A_CHUNK) {
        const chunk = all.slice(i, i + PROMPTS_A_CHUNK);
        const others = chunk.length > 1 ? ` and ${chunk.length - 1} more` : '';
        chunks.push(
          named(
            prompts.push(chunk, signal),
            `The model failed while it read the prompt “${chunk[0]}”${others}`,
            signal,
          ),
        );
      }
      const done = await Promise.all(chunks);
      return {
        vectors: done.flatMap(({ vectors }) => vectors),
        truncated: done.flatMap(({ truncated }) => truncated),
      };
    },
  };
}

/** What the device says of a failure means nothing to a person, and never what it was about. An abort stays what it is. */
async function named<Value>(work: Promise<Value>, what: string, signal: AbortSignal): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    signal.throwIfAborted();
    throw failure(what, error);
  }
}

function failure(what: string, error: unknown): Error {
  const reason = messageOf(error);
  return new Error(`${what}: ${reason.replace(/[.\s]*$/, '.')} Try again; if it stays so, reload the page.`, {
    cause: error,
  });
}

// Prompts asked for one by one, sent to the worker many at a time.

import type { PromptEmbeddings } from '../inference/types.ts';
import { PROMPTS_A_REQUEST } from './limits.ts';

export interface PromptVector {
  /** Unit vector. */
  readonly vector: Float32Array<ArrayBuffer>;
  /** True where the prompt lost its tail at the context's end. */
  readonly truncated: boolean;
}

interface Waiting {
  readonly prompt: string;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (vector: PromptVector) => void;
  readonly reject: (reason: unknown) => void;
}

/** A function for one prompt, from one for many: what is asked for in one turn of the event loop travels together. */
export function batchPrompts(
  embed: (prompts: readonly string[], signal: AbortSignal) => Promise<PromptEmbeddings>,
): (prompt: string, signal?: AbortSignal) => Promise<PromptVector> {
  let waiting: Waiting[] = [];

  const send = async (batch: readonly Waiting[]) => {
    // The request is given up when nobody waits for any of it.
    const abort = new AbortController();
    let wanted = batch.length;
    const onAbort = () => {
      wanted -= 1;
      if (wanted === 0) abort.abort();
    };
    for (const { signal } of batch) signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const { vectors, truncated } = await embed(
        batch.map(({ prompt }) => prompt),
        abort.signal,
      );
      for (const [i, { prompt, resolve, reject }] of batch.entries()) {
        const vector = vectors[i];
        if (vector === undefined) reject(new Error(`No vector came back for the prompt “${prompt}”.`));
        else resolve({ vector, truncated: truncated[i] === true });
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      for (const { signal } of batch) signal?.removeEventListener('abort', onAbort);
    }
  };

  const flush = () => {
    const asked: Waiting[] = [];
    for (const entry of waiting) {
      if (entry.signal?.aborted) entry.reject(entry.signal.reason);
      else asked.push(entry);
    }
    waiting = [];
    for (let first = 0; first < asked.length; first += PROMPTS_A_REQUEST) {
      void send(asked.slice(first, first + PROMPTS_A_REQUEST));
    }
  };

  return (prompt, signal) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setTimeout(flush);
      waiting.push({ prompt, signal, resolve, reject });
    });
}

// Prompts asked for a label at a time, sent to the worker many at a time.

import type { PromptEmbeddings } from '../inference/types.ts';
import { PROMPTS_A_REQUEST } from './limits.ts';

interface Waiting {
  readonly prompts: readonly string[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: (embeddings: PromptEmbeddings) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A function for one label's prompts, from one for many: what is asked for in one turn of the event loop travels together, a
 * request a turn. Each request first looks for its prompts on the device, and to look for thousands at once is a long task.
 */
export function batchPrompts(
  embed: (prompts: readonly string[], signal: AbortSignal) => Promise<PromptEmbeddings>,
): (prompts: readonly string[], signal?: AbortSignal) => Promise<PromptEmbeddings> {
  const waiting: Waiting[] = [];

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
        batch.flatMap(({ prompts }) => prompts),
        abort.signal,
      );
      let first = 0;
      for (const { prompts, resolve, reject } of batch) {
        const end = first + prompts.length;
        if (end <= vectors.length)
          resolve({ vectors: vectors.slice(first, end), truncated: truncated.slice(first, end) });
        else reject(new Error(`No vector came back for the prompt “${prompts.at(-1)}”.`));
        first = end;
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      for (const { signal } of batch) signal?.removeEventListener('abort', onAbort);
    }
  };

  const sendNext = () => {
    const batch: Waiting[] = [];
    let size = 0;
    for (let entry = waiting[0]; entry !== undefined; entry = waiting[0]) {
      if (entry.signal?.aborted) {
        entry.reject(entry.signal.reason);
      } else {
        size += entry.prompts.length;
        if (batch.length > 0 && size > PROMPTS_A_REQUEST) break;
        batch.push(entry);
      }
      waiting.shift();
    }
    if (batch.length > 0) void send(batch);
    if (waiting.length > 0) setTimeout(sendNext);
  };

  return (prompts, signal) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setTimeout(sendNext);
      waiting.push({ prompts, signal, resolve, reject });
    });
}

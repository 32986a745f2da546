// Labels asked for one at a time, sent to the worker many at a time.

import type { LabelEmbedding, LabelEmbeddings } from '../inference/types.ts';
import { PROMPTS_A_REQUEST } from './limits.ts';

interface Waiting {
  readonly prompts: readonly string[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: (embedding: LabelEmbedding) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A function for one label's prompts, from one for many labels': what is asked for in one turn of the event loop travels
 * together, a request a turn, because to hand over thousands of prompts at once is a long task.
 */
export function batchLabels(
  embed: (labels: readonly (readonly string[])[], signal: AbortSignal) => Promise<LabelEmbeddings>,
): (prompts: readonly string[], signal?: AbortSignal) => Promise<LabelEmbedding> {
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
      const { labels } = await embed(
        batch.map(({ prompts }) => prompts),
        abort.signal,
      );
      for (const [i, { prompts, resolve, reject }] of batch.entries()) {
        const label = labels[i];
        if (label !== undefined) resolve(label);
        else reject(new Error(`No vector came back for the prompt “${prompts.at(-1)}”.`));
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

// How a person ends a command before its time.

export const STOPPING = ['SIGINT', 'SIGTERM'] as const;

/** Aborted, with this sentence as its reason, by Ctrl-C: what is half made is taken away then. A second one ends at once. */
export function untilInterrupted(sentence: string): AbortSignal {
  const interrupted = new AbortController();
  const stop = () => interrupted.abort(new Error(sentence));
  for (const signal of STOPPING) process.once(signal, stop);
  return interrupted.signal;
}

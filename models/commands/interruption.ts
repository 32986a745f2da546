// How a person ends a command before its time.

export const STOPPING = ['SIGINT', 'SIGTERM'] as const;

/** Work whose signal is aborted, with this sentence as its reason, by Ctrl-C. A second one ends the program at once. */
export async function interruptible<Result>(
  sentence: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const interrupted = new AbortController();
  const stop = () => interrupted.abort(new Error(sentence));
  for (const signal of STOPPING) process.once(signal, stop);
  try {
    return await work(interrupted.signal);
  } finally {
    for (const signal of STOPPING) process.off(signal, stop);
  }
}

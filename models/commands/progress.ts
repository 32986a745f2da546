import { SingleBar } from 'cli-progress';
import { STOPPING } from './interruption.ts';

/** A bar on stderr while `work` goes on; where stderr is no terminal, nothing is shown. `unit` stands behind the total. */
export async function withProgress<Result>(
  label: string,
  total: number,
  work: (onProgress: (done: number) => void) => Promise<Result>,
  unit = '',
): Promise<Result> {
  const bar = new SingleBar({
    format: `${label} {bar} {value} / {total}${unit}, {eta_formatted} left`,
    clearOnComplete: true,
    hideCursor: true,
    stream: process.stderr,
  });
  const isHeard = process.listenerCount('SIGINT') > 0;
  /** Gives the cursor back; where nobody else waits for the signal, it ends the program as ever. */
  const interrupt = (signal: NodeJS.Signals) => {
    bar.stop();
    if (!isHeard) process.kill(process.pid, signal);
  };
  for (const signal of STOPPING) process.once(signal, interrupt);
  bar.start(total, 0);
  try {
    return await work((done) => bar.update(done));
  } finally {
    bar.stop();
    for (const signal of STOPPING) process.removeListener(signal, interrupt);
  }
}

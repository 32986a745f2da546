import { SingleBar } from 'cli-progress';

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
  bar.start(total, 0);
  try {
    return await work((done) => bar.update(done));
  } finally {
    bar.stop();
  }
}

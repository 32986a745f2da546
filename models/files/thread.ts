import { Worker } from 'node:worker_threads';
import { type Remote, wrap } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';

// A worker that starts from a .ts file has no loader for it on Node 20, neither under tsx (whose hooks skip worker entries,
// also with execArgv --import tsx) nor under Vitest. So it starts from a line of plain JavaScript that imports the file
// through tsx, which works under both, and names tsx by its full path, since such a line has no folder of its own.
const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));

/** A worker that exposes `Served` by comlink, and those who wait for what it answers. */
export interface Thread<Served> {
  readonly remote: Remote<Served>;
  /** `asked`, or a rejection with why the thread is no more: nobody answers then. */
  answer<Answer>(asked: Promise<Answer>): Promise<Answer>;
  /** Whoever still waits is told. */
  end(): Promise<void>;
}

export interface ThreadOptions {
  /** What the thread is for: the beginning of each sentence on how it ended. */
  readonly doing: string;
  /** What to do where it ended unasked: a sentence. */
  readonly advice: string;
  readonly workerData?: unknown;
}

/** Runs the .ts file of that address in a thread of its own. */
export function startThread<Served>(file: URL, { doing, advice, workerData }: ThreadOptions): Thread<Served> {
  const entry = JSON.stringify(file.href);
  const worker = new Worker(`import(${tsx}).then(({ tsImport }) => tsImport(${entry}, ${entry}))`, {
    eval: true,
    workerData,
  });
  const waiting = new Set<(ended: Error) => void>();
  let ended: Error | undefined;
  let isWanted = false;
  const tell = (error: Error) => {
    ended ??= error;
    for (const reject of waiting) reject(ended);
    waiting.clear();
  };
  const failed = (cause: Error) =>
    tell(new Error(`${doing}: the thread for it failed: ${cause.message}. ${advice}`, { cause }));
  worker.on('error', failed);
  worker.on('messageerror', failed);
  worker.on('exit', (code) =>
    tell(
      new Error(
        isWanted
          ? `${doing}: the thread for it was ended before it had answered. Await its answers first.`
          : `${doing}: the thread for it ended with code ${code}. ${advice}`,
      ),
    ),
  );
  return {
    remote: wrap<Served>(nodeEndpoint(worker)),
    answer: (promise) =>
      new Promise((resolve, reject) => {
        if (ended) {
          reject(ended);
          return;
        }
        // Taken out again: a promise that lives as long as the thread would keep every answer that was raced with it.
        waiting.add(reject);
        promise.then(resolve, reject).finally(() => waiting.delete(reject));
      }),
    async end() {
      isWanted = true;
      await worker.terminate();
    },
  };
}

import { Worker } from 'node:worker_threads';

// A worker that starts from a .ts file has no loader for it on Node 20, neither under tsx (whose hooks skip worker entries,
// also with execArgv --import tsx) nor under Vitest. So it starts from a line of plain JavaScript that imports the file
// through tsx, which works under both, and names tsx by its full path, since such a line has no folder of its own.
const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));

export interface StartedThread {
  readonly worker: Worker;
  /** Rejects with a sentence when the thread fails or ends, and never resolves: nobody answers what is posted to it then. */
  readonly ended: Promise<never>;
}

/**
 * Runs the .ts file of that address in a thread of its own, which reads `workerData`.
 * @param doing what the thread is for, at the beginning of the sentence that says how it ended
 */
export function startThread(file: URL, doing: string, workerData?: unknown): StartedThread {
  const entry = JSON.stringify(file.href);
  const worker = new Worker(`import(${tsx}).then(({ tsImport }) => tsImport(${entry}, ${entry}))`, {
    eval: true,
    workerData,
  });
  const ended = new Promise<never>((_, reject) => {
    const fail = (cause: unknown) =>
      reject(
        new Error(`${doing}: the thread for it failed (${cause}). Resume from the last checkpoint.`, {
          cause,
        }),
      );
    worker.on('error', fail);
    worker.on('exit', (code) => fail(`it ended with code ${code}`));
  });
  // Told to whoever waits for an answer; at a wanted end nobody does.
  ended.catch(() => undefined);
  return { worker, ended };
}

import { Worker } from 'node:worker_threads';

// A worker that starts from a .ts file has no loader for it on Node 20, neither under tsx (whose hooks skip worker entries,
// also with execArgv --import tsx) nor under Vitest. So it starts from a line of plain JavaScript that imports the file
// through tsx, which works under both, and names tsx by its full path, since such a line has no folder of its own.
const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));

/** Runs the .ts file of that address in a thread of its own, which reads `workerData`. */
export function startThread(file: URL, workerData?: unknown): Worker {
  const entry = JSON.stringify(file.href);
  return new Worker(`import(${tsx}).then(({ tsImport }) => tsImport(${entry}, ${entry}))`, {
    eval: true,
    workerData,
  });
}

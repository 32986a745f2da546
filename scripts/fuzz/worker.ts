// A thread with one target, so that the other can see when a case does not end.

import { parentPort, workerData } from 'node:worker_threads';
import { runCases } from './run-cases.ts';
import { TARGETS } from './targets.ts';

export interface FuzzJob {
  readonly target: string;
  readonly seed: number;
  readonly cases: number;
  /** The number of the case in hand. */
  readonly current: Int32Array<SharedArrayBuffer>;
}

const { target, seed, cases, current }: FuzzJob = workerData;
const ran = await runCases(await TARGETS[target](), seed, [0, cases], (index) =>
  Atomics.store(current, 0, index),
);
parentPort?.postMessage(ran);

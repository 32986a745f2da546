/**
 * Decoding workers and the questions put to them. Jobs are queued inside the workers, not here: a training step blocks
 * this thread for seconds, and nobody could hand out the next job meanwhile.
 */
import { transfer } from 'comlink';
import { startThread } from '../files/thread.ts';
import type { DecodeJob, DecodeResult, DecodeSettings } from './decode-job.ts';
import type { Served } from './decode-worker.ts';

export interface DecodePool {
  /** Decodes a list of pictures on the worker that has the fewest lists before it. */
  decode(job: DecodeJob): Promise<DecodeResult>;
  close(): Promise<void>;
}

const WORKER = new URL('./decode-worker.ts', import.meta.url);

export function openDecodePool(workers: number, settings: DecodeSettings): DecodePool {
  const options = {
    doing: 'Decoding pictures',
    advice: 'Go on from the last checkpoint by --resume.',
    workerData: settings,
  };
  const pool = Array.from({ length: workers }, () => ({
    thread: startThread<Served>(WORKER, options),
    waiting: 0,
  }));
  return {
    async decode({ images, ...job }) {
      const member = pool.reduce((least, other) => (other.waiting < least.waiting ? other : least));
      // Copies, because posting a view of a parquet page would copy the whole page; then handed over, not copied again.
      const own = images.map((image) => (image instanceof Uint8Array ? new Uint8Array(image) : image));
      const handed = own.flatMap((image) => (image instanceof Uint8Array ? [image.buffer] : []));
      member.waiting++;
      try {
        const { answer, remote } = member.thread;
        return await answer(remote.decode(transfer({ ...job, images: own }, handed)));
      } finally {
        member.waiting--;
      }
    },
    async close() {
      await Promise.all(pool.map(({ thread }) => thread.end()));
    },
  };
}

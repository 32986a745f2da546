/**
 * Decoding workers and the questions put to them. Jobs are queued inside the workers, not here: a training step blocks
 * this thread for seconds, and nobody could hand out the next job meanwhile.
 */
import type { Worker } from 'node:worker_threads';
import { startThread } from '../files/thread.ts';
import type { DecodeJob, DecodeResult, DecodeSettings } from './decode-job.ts';

export interface DecodePool {
  /** Decodes a list of pictures on the worker that has the fewest lists before it. */
  decode(job: Omit<DecodeJob, 'id'>): Promise<DecodeResult>;
  close(): Promise<void>;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, { resolve: (result: DecodeResult) => void; reject: (error: Error) => void }>;
  /** Why the thread is no more; nothing answers what is posted to it then. */
  failure?: Error;
}

const WORKER = new URL('./decode-worker.ts', import.meta.url);

export function openDecodePool(workers: number, settings: DecodeSettings): DecodePool {
  let closed = false;
  let nextId = 0;
  const threads = Array.from({ length: workers }, (): Thread => {
    const { worker, ended } = startThread(WORKER, 'Decoding pictures', settings);
    const thread: Thread = { worker, waiting: new Map() };
    worker.on('message', (result: DecodeResult) => {
      thread.waiting.get(result.id)?.resolve(result);
      thread.waiting.delete(result.id);
    });
    ended.catch((cause: Error) => {
      thread.failure = closed
        ? new Error('Decoding pictures: the pair stream is closed. Await its batches before closing it.')
        : cause;
      for (const { reject } of thread.waiting.values()) reject(thread.failure);
      thread.waiting.clear();
    });
    return thread;
  });
  return {
    decode(job) {
      const thread = threads.reduce((least, other) =>
        other.waiting.size < least.waiting.size ? other : least,
      );
      if (thread.failure) return Promise.reject(thread.failure);
      const id = nextId++;
      // Copies, because posting a view of a parquet page would copy the whole page; then handed over, not copied again.
      const images = job.images.map((image) => (image instanceof Uint8Array ? new Uint8Array(image) : image));
      const handed = images.flatMap((image) => (image instanceof Uint8Array ? [image.buffer] : []));
      return new Promise((resolve, reject) => {
        thread.waiting.set(id, { resolve, reject });
        thread.worker.postMessage({ ...job, images, id } satisfies DecodeJob, handed);
      });
    },
    async close() {
      closed = true;
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}

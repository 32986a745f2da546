// The page's end of the bridge to the inference worker: starts a worker at the first load, tries one device after another,
// turns AbortSignals into cancel messages, and sees to it that no promise is left waiting when a worker ends.

import { proxy, type Remote, wrap } from 'comlink';
import type { Precision } from '../../models/clip/types.ts';
import type { Attempt, Plan } from './plan.ts';
import type { Backend, InferenceClient, LoadEvents, ModelReport, PassedOver } from './types.ts';
import type { OpenResult, WorkerApi, WorkerEvent } from './worker-api.ts';

export function createInferenceClient(): InferenceClient {
  const deviceLostListeners = new Set<(reason: string) => void>();
  let current: WorkerHandle | null = null;
  let gpuLost: string | null = null;
  let nextId = 0;

  function start(events: Partial<LoadEvents>): WorkerHandle {
    const handle = startWorker((event) => {
      switch (event.kind) {
        case 'progress':
          events.onProgress?.(event.progress);
          break;
        case 'known':
          events.onKnown?.(event.model);
          break;
        case 'device-lost':
          gpuLost = event.reason;
          events.onKnown?.(null);
          handle.end(new Error(`${event.reason} Load the model again; it will run without the GPU.`));
          for (const listener of deviceLostListeners) listener(event.reason);
          break;
        default:
          event satisfies never;
      }
    });
    current = handle;
    return handle;
  }

  async function request<Value>(
    signal: AbortSignal | undefined,
    send: (api: Remote<WorkerApi>, id: number) => Promise<Value>,
  ): Promise<Value> {
    signal?.throwIfAborted();
    const handle = current;
    if (handle === null) throw new Error('No model is loaded yet.');
    const id = nextId++;
    const cancel = () => handle.cancel(id);
    signal?.addEventListener('abort', cancel);
    try {
      return await unlessAborted(
        handle.call((api) => send(api, id)),
        signal,
      );
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  const close = (reason: Error) => {
    current?.end(reason);
    current = null;
  };

  return {
    close: () => close(new DOMException('The model was closed.', 'AbortError')),

    async load(loadRequest, events = {}): Promise<ModelReport> {
      if (current !== null) events.onKnown?.(null);
      close(superseded());
      let handle = start(events);
      const giveUp = (reason: Error) => {
        try {
          if (current === handle) events.onKnown?.(null);
        } finally {
          handle.end(reason);
        }
      };
      try {
        const plan: Plan = await handle.call((api) => api.plan(loadRequest, gpuLost));
        const failed: PassedOver[] = [];
        let last: Attempt | null = null;
        let undownloaded: string | null = null;
        for (const attempt of plan.attempts) {
          // What could not be downloaded a moment ago will not be there now.
          if (undownloaded !== null && last !== null && needsSameFiles(attempt, last)) continue;
          if (last !== null) handle = start(events);
          last = attempt;
          const result = await handle.call<OpenResult>((api) => api.open(loadRequest.place, attempt));
          if ('opened' in result) return { ...result.opened, passedOver: [...plan.passedOver, ...failed] };
          const { reason } = result.passedOver;
          failed.push(result.passedOver);
          undownloaded = result.why === 'download' ? reason : null;
          giveUp(new Error(reason));
          if (current !== handle) throw superseded();
        }
        throw new Error(undownloaded ?? noDevice(failed.length > 0 ? failed : plan.passedOver, plan.leftOut));
      } catch (error) {
        giveUp(new Error('The model could not be loaded.'));
        if (current === handle) current = null;
        throw error;
      }
    },

    embedImage: (photo, name, signal) => request(signal, (api, id) => api.embedImage(id, photo, name)),

    embedLabels: (labels, signal) => request(signal, (api, id) => api.embedLabels(id, labels)),

    keptOffline: () => request(undefined, (api) => api.keptOffline()),

    onDeviceLost(listener) {
      deviceLostListeners.add(listener);
      return () => deviceLostListeners.delete(listener);
    },
  };
}

function superseded(): DOMException {
  return new DOMException('Another model is being loaded.', 'AbortError');
}

function needsSameFiles(a: Attempt, b: Attempt): boolean {
  return a.build === b.build && a.precision === b.precision;
}

const DEVICE_NAMES = { webgpu: 'WebGPU', wasm: 'WebAssembly' } as const satisfies Record<Backend, string>;

function noDevice(passedOver: readonly PassedOver[], leftOut: readonly Precision[]): string {
  if (passedOver.length === 0)
    return 'The model folder holds no precision that runs in a browser; export q8, fp16 or fp32.';
  // The same device is tried with several threads and with one, and often fails alike.
  const reasons = new Set(
    passedOver.map(({ backend, precision, reason }) => `${DEVICE_NAMES[backend]} (${precision}): ${reason}`),
  );
  const others =
    leftOut.length > 0
      ? [`Not tried on WebAssembly: ${leftOut.join(', ')}. Choose one of them in the list of models.`]
      : [];
  return ['The model could not be started on this device.', ...reasons, ...others].join(' ');
}

interface WorkerHandle {
  /** Settles as the worker's answer does, or rejects when the worker ends first. */
  call<Value>(send: (api: Remote<WorkerApi>) => Promise<Value>): Promise<Value>;
  cancel(id: number): void;
  /** Ends the worker and rejects what is still waiting for it with `reason`. */
  end(reason: Error): void;
}

function startWorker(onEvent: (event: WorkerEvent) => void): WorkerHandle {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'inference' });
  const api = wrap<WorkerApi>(worker);
  let ended: Error | null = null;
  const waiting = new Set<(reason: Error) => void>();

  const end = (reason: Error) => {
    if (ended !== null) return;
    ended = reason;
    worker.terminate();
    for (const reject of waiting) reject(reason);
    waiting.clear();
  };
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    end(
      new Error(
        `The inference worker stopped (${event.message || 'its script did not load'}). Reload the page.`,
      ),
    );
  });

  const call = <Value>(send: (api: Remote<WorkerApi>) => Promise<Value>) =>
    new Promise<Value>((resolve, reject) => {
      if (ended !== null) return reject(ended);
      waiting.add(reject);
      send(api)
        .then(resolve, reject)
        .finally(() => waiting.delete(reject));
    });
  // Events have a channel of their own: one may be under way when its worker has been ended.
  void api.listen(proxy((event: WorkerEvent) => ended === null && onEvent(event)));
  return { call, cancel: (id) => void api.cancel(id), end };
}

/** Rejects at the abort, not only when the worker has noticed. */
function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(new DOMException('The request was cancelled.', 'AbortError'));
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

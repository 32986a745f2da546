import { expose } from 'comlink';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Precision } from '../../models/clip/types.ts';
import { createInferenceClient } from './client.ts';
import type { Attempt } from './plan.ts';
import type { KnownModel, LoadRequest } from './types.ts';
import type { OpenReport, WorkerApi, WorkerEvent } from './worker-api.ts';

const attempt = (backend: 'webgpu' | 'wasm', threads: number): Attempt => ({
  backend,
  precision: 'fp32',
  threads,
  build: backend === 'wasm' ? 'wasm' : 'jspi',
  adapter: null,
});
const request: LoadRequest = {
  place: { on: 'site', url: 'http://host/models/mini/' },
  precision: 'auto',
  backend: 'auto',
  allowSoftwareAdapter: false,
};

/** What the next workers do with an attempt, and what has become of the workers so far. */
let openOutcome: (attempt: Attempt) => Promise<string | null>;
/** Attempts whose files cannot be had. */
let notDownloaded: (attempt: Attempt) => boolean;
/** Of every plan. */
let leftOut: Precision[];
let workers: FakeWorker[];

class FakeWorker {
  readonly #port: MessagePort;
  readonly cancelled: number[] = [];
  readonly gpuLost: (string | null)[] = [];
  ended = false;
  tell: (event: WorkerEvent) => void = () => {};

  constructor() {
    workers.push(this);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const api: WorkerApi = {
      listen: (listener) => {
        this.tell = listener;
      },
      plan: async (_, gpuLost) => {
        this.gpuLost.push(gpuLost);
        const wasm = [attempt('wasm', 2), attempt('wasm', 1)];
        return gpuLost === null
          ? { attempts: [attempt('webgpu', 1), ...wasm], passedOver: [], leftOut }
          : {
              attempts: wasm,
              passedOver: [{ backend: 'webgpu', precision: 'fp32', reason: gpuLost, failed: false }],
              leftOut,
            };
      },
      open: async (_, { backend, precision, threads }) => {
        this.tell({ kind: 'known', model: { model: 'mini', precision } as KnownModel });
        const reason = await openOutcome({ ...attempt(backend, threads), precision });
        if (reason !== null) {
          const why = notDownloaded({ ...attempt(backend, threads), precision }) ? 'download' : 'device';
          return { passedOver: { backend, precision, reason, failed: why === 'device' }, why };
        }
        return { opened: { model: 'mini', backend, precision, threads } as OpenReport };
      },
      embedImage: () => new Promise(() => {}),
      embedLabels: async (id, labels) => ({
        labels: labels.map(() => ({ vector: new Float32Array([id]), truncated: false })),
        encoded: labels.flat(),
      }),
      keptOffline: async () => true,
      cancel: (id) => {
        this.cancelled.push(id);
      },
    };
    expose(api, port2);
  }
  postMessage(message: unknown, transfer: Transferable[]) {
    this.#port.postMessage(message, transfer);
  }
  addEventListener(type: string, listener: EventListener) {
    if (type === 'message') {
      this.#port.addEventListener('message', listener);
      this.#port.start();
    }
  }
  removeEventListener() {}
  terminate() {
    this.ended = true;
    this.#port.close();
  }
}

beforeEach(() => {
  leftOut = [];
  workers = [];
  openOutcome = async () => null;
  notDownloaded = () => false;
  vi.stubGlobal('Worker', FakeWorker);
});
afterEach(() => {
  for (const worker of workers) worker.terminate();
  vi.unstubAllGlobals();
});

it('has no model before one is loaded', async () => {
  await expect(createInferenceClient().embedLabels([['a']])).rejects.toThrow('No model is loaded');
  expect(workers).toHaveLength(0);
});

it('tries one device after another, each in a worker of its own', async () => {
  openOutcome = async ({ backend, threads }) =>
    backend === 'wasm' && threads === 1 ? null : `no ${backend} ${threads}`;
  const client = createInferenceClient();
  const report = await client.load(request);
  expect(report).toMatchObject({ backend: 'wasm', threads: 1 });
  expect(report.passedOver.map(({ reason }) => reason)).toEqual(['no webgpu 1', 'no wasm 2']);
  expect(workers.map(({ ended }) => ended)).toEqual([true, true, false]);
  expect((await client.embedLabels([['a'], ['b']])).labels).toHaveLength(2);
});

it('takes requests as soon as a model is known, and says that a device is given up before they reject', async () => {
  openOutcome = async ({ backend }) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return backend === 'webgpu' ? 'no GPU' : null;
  };
  const client = createInferenceClient();
  const heard: string[] = [];
  let prompts: Promise<unknown> | null = null;
  const report = await client.load(request, {
    onKnown: (model) => {
      heard.push(model === null ? 'given up' : 'known');
      if (heard.length === 1)
        client.embedImage(new Blob(), 'a.jpg').catch(({ message }) => heard.push(message));
      else if (model !== null) prompts = client.embedLabels([['a']]);
    },
  });
  expect(report.backend).toBe('wasm');
  expect(heard).toEqual(['known', 'given up', 'no GPU', 'known']);
  expect(await prompts).toMatchObject({ labels: [expect.anything()] });
});

it('hears nothing more of a worker that it has ended', async () => {
  openOutcome = async () => 'out of order';
  const client = createInferenceClient();
  const heard: (KnownModel | null)[] = [];
  await expect(client.load(request, { onKnown: (model) => heard.push(model) })).rejects.toThrow();
  await expect.poll(() => heard.at(-1)).toBe(null);
  const before = heard.length;
  for (const { tell } of workers) tell({ kind: 'known', model: { model: 'mini' } as KnownModel });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(heard).toHaveLength(before);
});

it('says why when no device is left, each reason once, and leaves no worker behind', async () => {
  openOutcome = async ({ backend }) => `${backend} is out of order.`;
  const client = createInferenceClient();
  await expect(client.load(request)).rejects.toThrow(
    /WebGPU \(fp32\): webgpu is out of order\. WebAssembly \(fp32\): wasm is out of order\.$/,
  );
  expect(workers.map(({ ended }) => ended)).toEqual([true, true, true]);
  await expect(client.embedLabels([['a']])).rejects.toThrow('No model is loaded');
});

it('says what else the visitor may choose when no device is left', async () => {
  openOutcome = async () => 'out of order.';
  leftOut = ['int8', 'q4'];
  await expect(createInferenceClient().load(request)).rejects.toThrow(
    /Not tried on WebAssembly: int8, q4\. Choose one of them in the list of models\.$/,
  );
});

it('goes on to a device whose files are here, where another’s cannot be downloaded', async () => {
  notDownloaded = ({ backend }) => backend === 'webgpu';
  openOutcome = async ({ backend }) => (backend === 'webgpu' ? 'fp32 could not be downloaded.' : null);
  expect(await createInferenceClient().load(request)).toMatchObject({
    backend: 'wasm',
    passedOver: [{ backend: 'webgpu', reason: 'fp32 could not be downloaded.' }],
  });
});

it('says what could not be downloaded where no device is left, and asks for no file twice', async () => {
  notDownloaded = () => true;
  openOutcome = async ({ backend }) => `${backend} could not be downloaded.`;
  await expect(createInferenceClient().load(request)).rejects.toThrow(/^wasm could not be downloaded\.$/);
  expect(workers).toHaveLength(2);
});

it('rejects what waits and what comes when the device is lost, and loads without it', async () => {
  const client = createInferenceClient();
  const heard: string[] = [];
  const known: (KnownModel | null)[] = [];
  await client.load(request, { onKnown: (model) => known.push(model) });
  const stop = client.onDeviceLost((reason) => heard.push(reason));
  const waiting = client.embedImage(new Blob(), 'a.jpg');
  workers[0].tell({ kind: 'device-lost', reason: 'The GPU fell off.' });
  await expect(waiting).rejects.toThrow('The GPU fell off.');
  await expect(client.embedLabels([['a']])).rejects.toThrow('The GPU fell off.');
  expect(heard).toEqual(['The GPU fell off.']);
  expect(known.at(-1)).toBe(null);
  stop();
  expect(await client.load(request)).toMatchObject({
    backend: 'wasm',
    passedOver: [{ backend: 'webgpu', reason: 'The GPU fell off.' }],
  });
  expect(workers[1].gpuLost).toEqual(['The GPU fell off.']);
});

it('rejects at once after an abort, and tells the worker', async () => {
  const client = createInferenceClient();
  await client.load(request);
  const controller = new AbortController();
  const waiting = client.embedImage(new Blob(), 'a.jpg', controller.signal);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await expect.poll(() => workers[0].cancelled).toHaveLength(1);
  await expect(client.embedLabels([['a']], controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
});

it('drops a load for the next one', async () => {
  const client = createInferenceClient();
  const first = client.load(request);
  const second = client.load(request);
  await expect(first).rejects.toMatchObject({ name: 'AbortError' });
  expect(await second).toMatchObject({ backend: 'webgpu' });
  expect(workers.map(({ ended }) => ended)).toEqual([true, false]);
});

it('rejects what waits for a model when another one is loaded', async () => {
  const client = createInferenceClient();
  await client.load(request);
  const waiting = client.embedImage(new Blob(), 'a.jpg');
  const next = client.load(request);
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  expect(workers[0].ended).toBe(true);
  await next;
});

it('closes: what waits rejects, and there is no model any more', async () => {
  const client = createInferenceClient();
  await client.load(request);
  const waiting = client.embedImage(new Blob(), 'a.jpg');
  client.close();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await expect(client.embedLabels([['a']])).rejects.toThrow('No model is loaded');
  expect(workers[0].ended).toBe(true);
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { QueryClient } from '@tanstack/react-query';
import { expose } from 'comlink';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { currentToasts, dismissToast } from '../ui/toast.ts';
import { type Additions, createAdditions, DEVICE_MODELS_KEY } from './additions.ts';
import type { KeepApi } from './keep/api.ts';
import type { Added, OnProgress } from './keep/keep-model.ts';
import type { Source } from './keep/source.ts';

const ID = 'tests/tiny';
const HUB = 'https://hub.example';
const SOURCE: Source = { kind: 'hub', model: { endpoint: HUB, id: ID, revision: 'main' } };

let workers: FakeWorker[];

/** A worker whose one download ends as the test says. */
class FakeWorker {
  readonly #port: MessagePort;
  readonly #listeners = new Map<string, (event: { message: string }) => void>();
  readonly address: URL;
  begun = false;
  ended = false;
  progress: OnProgress = () => {};
  succeed: (added: Added) => void = () => {};
  fail: (error: Error) => void = () => {};

  constructor(address: URL) {
    this.address = address;
    workers.push(this);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const keep = (onProgress: OnProgress) => {
      this.begun = true;
      this.progress = onProgress;
      return new Promise<Added>((resolve, reject) => {
        this.succeed = resolve;
        this.fail = reject;
      });
    };
    const api: KeepApi = {
      remote: (_, __, ___, onProgress) => keep(onProgress),
      folder: (_, __, ___, onProgress) => keep(onProgress),
    };
    expose(api, port2);
  }
  postMessage(message: unknown, transfer: Transferable[]) {
    this.#port.postMessage(message, transfer);
  }
  addEventListener(type: string, listener: (event: never) => void) {
    if (type === 'message') {
      this.#port.addEventListener('message', listener as EventListener);
      this.#port.start();
    } else this.#listeners.set(type, listener as (event: { message: string }) => void);
  }
  removeEventListener() {}
  terminate() {
    this.ended = true;
  }
  /** As where its script cannot be had. */
  break(message: string) {
    this.#listeners.get('error')?.({ message });
  }
}

let additions: Additions;
let invalidated: ReturnType<typeof vi.spyOn>;
/** Lets those who wait for the policy go on, or tells them why not. */
let policy: { readonly come: () => void; readonly refuse: (error: Error) => void };

beforeEach(() => {
  workers = [];
  vi.stubGlobal('Worker', FakeWorker);
  vi.stubGlobal('location', { href: 'https://site.example/lens/' });
  vi.stubGlobal('navigator', { storage: { persist: async () => true } });
  const queryClient = new QueryClient();
  invalidated = vi.spyOn(queryClient, 'invalidateQueries');
  const ready = new Promise<void>((come, refuse) => {
    policy = { come, refuse };
  });
  additions = createAdditions(queryClient, () => ready);
});
afterEach(() => {
  for (const { id } of currentToasts()) dismissToast(id);
  vi.unstubAllGlobals();
});

const begin = () =>
  additions.add(ID, [HUB, 'https://cdn.example'], (api, onProgress) =>
    api.remote(SOURCE, 'auto', false, onProgress),
  );
/** Resolves to the worker that has been told what to do. */
const atWork = (which = 0) =>
  vi.waitFor(() => {
    const worker = workers.at(which);
    if (!worker?.begun) throw new Error('It has not begun.');
    return worker;
  });
const row = (change = {}) => ({ id: ID, loadedBytes: 0, totalBytes: 0, problem: null, ...change });
const said = () => currentToasts().map(({ message }) => message);
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

it('tells how far it is, and ends with the model on this device', async () => {
  policy.come();
  begin();
  expect(additions.list()).toEqual([row()]);
  const worker = await atWork();
  expect(worker.address.searchParams.get('hosts')).toBe(`${HUB} https://cdn.example`);
  worker.progress(30, 100);
  await vi.waitFor(() => expect(additions.list()).toEqual([row({ loadedBytes: 30, totalBytes: 100 })]));
  expect(invalidated).not.toHaveBeenCalled();
  worker.succeed({ id: ID, problem: null });
  await vi.waitFor(() => expect(additions.list()).toEqual([]));
  expect(worker.ended).toBe(true);
  expect(said()).toEqual([`${ID} is on this device now.`]);
  expect(invalidated).toHaveBeenCalledWith({ queryKey: DEVICE_MODELS_KEY });
});

it('takes the answer to a download during which memory was cleared up', async () => {
  setFlagsFromString('--expose-gc');
  const clearUp: () => void = runInNewContext('gc');
  policy.come();
  begin();
  const worker = await atWork();
  for (let times = 0; times < 5; times++) {
    clearUp();
    await settled();
  }
  worker.succeed({ id: ID, problem: null });
  await vi.waitFor(() => expect(additions.list()).toEqual([]));
});

it('says what a model that is on this device now will not do here', async () => {
  policy.come();
  begin();
  (await atWork()).succeed({ id: ID, problem: 'It will not run on the GPU.' });
  await vi.waitFor(() =>
    expect(currentToasts()).toMatchObject([
      { message: `${ID} is on this device now. It will not run on the GPU.`, stays: true },
    ]),
  );
});

it('waits for the policy where it may ask a host, and for nothing where it asks none', async () => {
  begin();
  additions.add('mine', [], (api, onProgress) => api.folder('mine', [], false, onProgress));
  const worker = await atWork();
  expect(workers).toHaveLength(1);
  expect(worker.address.search).not.toContain('hosts');
  expect(additions.list().map(({ id }) => id)).toEqual([ID, 'mine']);
  worker.succeed({ id: 'mine (2)', problem: null });
  await vi.waitFor(() => expect(additions.list()).toEqual([row()]));
  // As it is called here, not as it was asked for.
  expect(said()).toEqual(['mine (2) is on this device now.']);
  policy.come();
  expect((await atWork(1)).address.searchParams.get('hosts')).toContain(HUB);
});

it('cancelled before it may ask anybody, it never does', async () => {
  begin();
  additions.dismiss(ID);
  expect(additions.list()).toEqual([]);
  policy.come();
  await settled();
  expect(workers).toEqual([]);
});

it('cancelled on the way, it ends, and what it still says counts for nothing', async () => {
  policy.come();
  begin();
  const worker = await atWork();
  additions.dismiss(ID);
  expect(worker.ended).toBe(true);
  expect(additions.list()).toEqual([]);
  // What has come so far is on this device, and not whole.
  expect(invalidated).toHaveBeenCalledTimes(1);
  worker.progress(50, 100);
  worker.succeed({ id: ID, problem: null });
  await settled();
  expect(additions.list()).toEqual([]);
  expect(said()).toEqual([]);
  expect(invalidated).toHaveBeenCalledTimes(1);
});

it('begun again after it was cancelled, it is another one', async () => {
  policy.come();
  begin();
  const first = await atWork();
  additions.dismiss(ID);
  begin();
  const second = await atWork(1);
  first.progress(99, 100);
  first.fail(new Error('The first was ended.'));
  await settled();
  expect(additions.list()).toEqual([row()]);
  expect(second.ended).toBe(false);
  second.progress(5, 100);
  await vi.waitFor(() => expect(additions.list()).toEqual([row({ loadedBytes: 5, totalBytes: 100 })]));
});

it('asked for twice, it is one', async () => {
  policy.come();
  begin();
  begin();
  await atWork();
  begin();
  await settled();
  expect(workers).toHaveLength(1);
  expect(additions.list()).toHaveLength(1);
});

it('where it fails, the list says why until it is told of no more or tried again', async () => {
  policy.come();
  const stop = additions.subscribe(() => {});
  begin();
  const worker = await atWork();
  worker.progress(50, 100);
  worker.fail(new Error('It answered 503.'));
  await vi.waitFor(() => expect(additions.list()).toEqual([row({ problem: 'It answered 503.' })]));
  expect(worker.ended).toBe(true);
  expect(invalidated).toHaveBeenCalledTimes(1);
  // Whoever looks at the list is not told twice.
  expect(said()).toEqual([]);
  begin();
  expect(additions.list()).toEqual([row()]);
  (await atWork(1)).fail(new Error('It answered 404.'));
  await vi.waitFor(() => expect(additions.list()).toEqual([row({ problem: 'It answered 404.' })]));
  additions.dismiss(ID);
  expect(additions.list()).toEqual([]);
  stop();
});

it('where it fails while nobody looks at the list, a message says so and stays', async () => {
  policy.come();
  additions.subscribe(() => {})();
  begin();
  (await atWork()).fail(new Error('It answered 503.'));
  await vi.waitFor(() =>
    expect(currentToasts()).toMatchObject([
      { message: `${ID} could not be added. It answered 503.`, kind: 'problem', stays: true },
    ]),
  );
});

it('says why it cannot begin: no policy, no script', async () => {
  begin();
  policy.refuse(new Error('This browser lets the page have no service worker.'));
  await vi.waitFor(() =>
    expect(additions.list()).toEqual([
      row({ problem: 'This browser lets the page have no service worker.' }),
    ]),
  );
  additions.add('mine', [], (api, onProgress) => api.folder('mine', [], false, onProgress));
  (await atWork()).break('');
  await vi.waitFor(() =>
    expect(additions.list().at(-1)?.problem).toBe(
      'The part of the page that adds models stopped (it did not load). Reload the page.',
    ),
  );
});

it('has the same list until something changes, and then says so', async () => {
  policy.come();
  const heard = vi.fn();
  const stop = additions.subscribe(heard);
  const before = additions.list();
  expect(additions.list()).toBe(before);
  begin();
  expect(heard).toHaveBeenCalledTimes(1);
  expect(additions.list()).not.toBe(before);
  stop();
  additions.dismiss(ID);
  expect(heard).toHaveBeenCalledTimes(1);
});

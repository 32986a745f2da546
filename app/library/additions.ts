// Models that are being taken onto this device, each by a worker of its own that is ended to cancel. What has come stays, and is gone on
// with.

import type { QueryClient } from '@tanstack/react-query';
import { proxy, type Remote, wrap } from 'comlink';
import { messageOf } from '../../models/clip/message-of.ts';
import { toast } from '../ui/toast.ts';
import type { KeepApi } from './keep/api.ts';
import { HOSTS } from './keep/hosts.ts';
import type { Added, OnProgress } from './keep/keep-model.ts';
import keepWorker from './keep/keep-worker.ts?worker&url';

export const LIBRARY_KEY = ['library'] as const;
export const DEVICE_MODELS_KEY = [...LIBRARY_KEY, 'device'] as const;

export interface Addition {
  /** As it will be called on this device, where that is known beforehand; else the folder's name. */
  readonly id: string;
  readonly loadedBytes: number;
  /** 0 while it is not known. */
  readonly totalBytes: number;
  /** Why it ended, or null. */
  readonly problem: string | null;
}

type Keep = (api: Remote<KeepApi>, onProgress: OnProgress) => Promise<Added>;

export interface Additions {
  subscribe(listener: () => void): () => void;
  /** The same array until something changes. */
  list(): readonly Addition[];
  /**
   * Begins an addition; nothing where one of that name is under way.
   * @param hosts that it may ask; none where all of it is on this device already
   */
  add(id: string, hosts: readonly string[], keep: Keep): void;
  /** Ends it, or takes its problem off the list. */
  dismiss(id: string): void;
}

/** Of an addition under way; another of the same name is another one. */
interface Job {
  /** Null until it may ask its hosts. */
  worker: Worker | null;
  /** Kept for as long as the job: what nobody holds any more, Comlink lets go of, and with it the answer that is still to come. */
  api: Remote<KeepApi> | null;
}

/** @param policyReady resolves when a worker's script comes with the policy that lets it ask its hosts */
export function createAdditions(queryClient: QueryClient, policyReady: () => Promise<void>): Additions {
  const listeners = new Set<() => void>();
  const jobs = new Map<string, Job>();
  let additions: readonly Addition[] = [];

  const tell = (next: readonly Addition[]) => {
    additions = next;
    for (const listener of listeners) listener();
  };
  const put = (addition: Addition) =>
    tell(
      additions.some(({ id }) => id === addition.id)
        ? additions.map((each) => (each.id === addition.id ? addition : each))
        : [...additions, addition],
    );
  const end = (id: string) => {
    jobs.get(id)?.worker?.terminate();
    jobs.delete(id);
    // What is on this device may be something else now.
    void queryClient.invalidateQueries({ queryKey: DEVICE_MODELS_KEY });
  };

  const run = async (id: string, hosts: readonly string[], keep: Keep) => {
    if (jobs.has(id)) return;
    const job: Job = { worker: null, api: null };
    jobs.set(id, job);
    const isCurrent = () => jobs.get(id) === job;
    put({ id, loadedBytes: 0, totalBytes: 0, problem: null });
    askToStay();
    try {
      if (hosts.length > 0) await policyReady();
      if (!isCurrent()) return;
      const { worker, broken } = startWorker(id, hosts);
      job.worker = worker;
      job.api = wrap<KeepApi>(worker);
      const onProgress = proxy((loadedBytes: number, totalBytes: number) => {
        if (isCurrent()) put({ id, loadedBytes, totalBytes, problem: null });
      });
      const added = await Promise.race([keep(job.api, onProgress), broken]);
      if (!isCurrent()) return;
      tell(additions.filter((addition) => addition.id !== id));
      const there = `${added.id} is on this device now.`;
      if (added.problem === null) toast(there);
      else toast(`${there} ${added.problem}`, { stays: true });
    } catch (error) {
      if (!isCurrent()) return;
      const problem = messageOf(error);
      put({ id, loadedBytes: 0, totalBytes: 0, problem });
      // Whoever looks at the list sees it there.
      if (listeners.size === 0)
        toast(`${id} could not be added. ${problem}`, { kind: 'problem', stays: true });
    }
    end(id);
  };

  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    list: () => additions,
    add: (id, hosts, keep) => void run(id, hosts, keep),
    dismiss(id) {
      end(id);
      tell(additions.filter((addition) => addition.id !== id));
    },
  };
}

/** That the browser does not clear models when the disk runs full. Where it refuses, they stay for as long as there is room. */
function askToStay(): void {
  navigator.storage
    .persist()
    .catch((error: unknown) => console.warn('This browser does not say that models stay:', error));
}

/** `broken` rejects where the worker's script does not come or fails. */
function startWorker(id: string, hosts: readonly string[]): { worker: Worker; broken: Promise<never> } {
  const url = new URL(keepWorker, location.href);
  if (hosts.length > 0) url.searchParams.set(HOSTS, hosts.join(' '));
  const worker = new Worker(url, { type: 'module', name: `keep ${id}` });
  const broken = new Promise<never>((_, reject) => {
    worker.addEventListener('error', ({ message }) =>
      reject(
        new Error(
          `The part of the page that adds models stopped (${message || 'it did not load'}). Reload the page.`,
        ),
      ),
    );
  });
  return { worker, broken };
}

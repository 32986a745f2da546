// TanStack Query observed from outside React: hundreds of photographs and thousands of prompts, each a query of its own.
// One observer costs microseconds and hears of its own query alone; a hook that observes all of them would do work for
// all at each result. What is done for all of them is done in slices. Data never changes, since keys hold the content: a query
// is observed until it has some, and ten thousand photographs are not ten thousand observers.

import {
  type QueryClient,
  type QueryKey,
  QueryObserver,
  type QueryObserverOptions,
} from '@tanstack/react-query';
import { inSlices } from './slices.ts';

export type Outcome<Data> = { readonly data: Data } | { readonly error: Error };

export interface QuerySet<Data> {
  /**
   * What is wanted from now on, by name. A query that is not among the names is given up, and aborted where it runs, a moment
   * later: until then its outcome may still be told. `options` is asked for those that are new.
   */
  want(
    names: Iterable<string>,
    options: (name: string) => QueryObserverOptions<Data, Error, Data, Data, QueryKey>,
  ): void;
  /** Gives up everything; no outcome is told any more. */
  clear(): void;
  /** Undefined while the query runs. */
  outcome(name: string): Outcome<Data> | undefined;
  /** Runs again what failed. */
  retry(name: string): void;
}

export function createQuerySet<Data>(
  queryClient: QueryClient,
  onOutcome: (name: string, outcome: Outcome<Data>) => void,
): QuerySet<Data> {
  interface Entry {
    /** Null once there is data. */
    observer: QueryObserver<Data, Error, Data, Data, QueryKey> | null;
    outcome: Outcome<Data> | undefined;
  }
  let entries = new Map<string, Entry>();
  let wanting = new AbortController();

  const giveUp = (entry: Entry) => {
    entry.observer?.destroy();
    entry.observer = null;
  };

  const settle = (name: string, entry: Entry, data: Data | undefined, error: Error | null) => {
    if (entries.get(name) !== entry) return;
    if (data !== undefined) {
      entry.outcome = { data };
      giveUp(entry);
    } else if (error !== null) {
      const before = entry.outcome;
      if (before !== undefined && 'error' in before && before.error === error) return;
      entry.outcome = { error };
    } else {
      entry.outcome = undefined;
      return;
    }
    onOutcome(name, entry.outcome);
  };

  const observe = (name: string, options: QueryObserverOptions<Data, Error, Data, Data, QueryKey>) => {
    const observer = new QueryObserver<Data, Error, Data, Data, QueryKey>(queryClient, options);
    const entry: Entry = { observer, outcome: undefined };
    entries.set(name, entry);
    observer.subscribe(({ data, error, fetchStatus }) => {
      settle(name, entry, data, fetchStatus === 'idle' ? error : null);
    });
    const { data, error } = observer.getCurrentResult();
    settle(name, entry, data, error);
  };

  const want: QuerySet<Data>['want'] = async (names, options) => {
    wanting.abort();
    wanting = new AbortController();
    const { signal } = wanting;
    const wanted = new Set<string>();
    const add = (name: string) => {
      wanted.add(name);
      if (!entries.has(name)) observe(name, options(name));
    };
    await inSlices(names, add, { signal });
    // Cut short, `wanted` is not all of it; whoever did that goes over the entries again.
    if (signal.aborted) return;
    const giveUpUnwanted = ([name, entry]: readonly [string, Entry]) => {
      if (wanted.has(name)) return;
      entries.delete(name);
      giveUp(entry);
    };
    await inSlices(entries, giveUpUnwanted, { signal });
  };

  return {
    want,
    clear() {
      wanting.abort();
      const gone = entries;
      entries = new Map();
      void inSlices(gone.values(), giveUp);
    },
    outcome: (name) => entries.get(name)?.outcome,
    retry(name) {
      const entry = entries.get(name);
      if (!entry?.observer) return;
      entry.outcome = undefined;
      void entry.observer.refetch();
    },
  };
}

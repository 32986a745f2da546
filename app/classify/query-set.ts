// TanStack Query observed from outside React: hundreds of photographs and thousands of prompts, each a query of its own.
// One observer costs microseconds and hears of its own query alone; a hook that observes all of them would do work for
// all at each result.

import {
  type QueryClient,
  type QueryKey,
  QueryObserver,
  type QueryObserverOptions,
} from '@tanstack/react-query';
import { inSlices } from './slices.ts';

export type Outcome<Data> = { readonly data: Data } | { readonly error: Error };

export interface QuerySet<Data> {
  /** What is wanted from now on, by name. A query that is not among them is given up, and aborted where it runs. */
  want(queries: ReadonlyMap<string, QueryObserverOptions<Data, Error, Data, Data, QueryKey>>): void;
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
    readonly observer: QueryObserver<Data, Error, Data, Data, QueryKey>;
    readonly unsubscribe: () => void;
  }
  const entries = new Map<string, Entry>();
  const outcomes = new Map<string, Outcome<Data>>();
  let wanting = new AbortController();

  const forget = (name: string) => {
    entries.get(name)?.unsubscribe();
    entries.delete(name);
    outcomes.delete(name);
  };

  const settle = (name: string, data: Data | undefined, error: Error | null) => {
    const before = outcomes.get(name);
    if (data !== undefined) {
      if (before !== undefined && 'data' in before && before.data === data) return;
      outcomes.set(name, { data });
    } else if (error !== null) {
      if (before !== undefined && 'error' in before && before.error === error) return;
      outcomes.set(name, { error });
    } else {
      outcomes.delete(name);
      return;
    }
    const outcome = outcomes.get(name);
    if (outcome !== undefined) onOutcome(name, outcome);
  };

  return {
    want(queries) {
      wanting.abort();
      wanting = new AbortController();
      for (const name of [...entries.keys()]) if (!queries.has(name)) forget(name);
      const added = [...queries].filter(([name]) => !entries.has(name));
      void inSlices(
        added,
        ([name, options]) => {
          const observer = new QueryObserver<Data, Error, Data, Data, QueryKey>(queryClient, options);
          const unsubscribe = observer.subscribe(({ data, error, fetchStatus }) => {
            settle(name, data, fetchStatus === 'idle' ? error : null);
          });
          entries.set(name, { observer, unsubscribe });
          const { data, error } = observer.getCurrentResult();
          settle(name, data, error);
        },
        { signal: wanting.signal },
      );
    },
    outcome: (name) => outcomes.get(name),
    retry(name) {
      const entry = entries.get(name);
      if (entry === undefined) return;
      outcomes.delete(name);
      void entry.observer.refetch();
    },
  };
}

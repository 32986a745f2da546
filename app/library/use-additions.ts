// What is being added, for React. It goes on while the list of models is closed.

import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo, useSyncExternalStore } from 'react';
import type { Precision } from '../../models/clip/types.ts';
import { sentence } from '../ui/sentence.ts';
import { toast } from '../ui/toast.ts';
import { type Addition, type Additions, createAdditions } from './additions.ts';
import { parseSource } from './keep/source.ts';
import type { PickedFolder } from './picked-folder.ts';

export const LIBRARY_KEY = ['library'] as const;
export const DEVICE_MODELS_KEY = [...LIBRARY_KEY, 'device'] as const;

export interface UsedAdditions {
  readonly list: readonly Addition[];
  /** What the visitor typed or pressed; says so where it is no source. */
  readonly addTyped: (text: string, precision: 'auto' | Precision, hub: string) => boolean;
  readonly addFolder: (folder: PickedFolder) => void;
  readonly dismiss: (id: string) => void;
}

const made = new WeakMap<QueryClient, Additions>();

function additionsOf(queryClient: QueryClient, policyReady: () => Promise<void>): Additions {
  const known = made.get(queryClient);
  if (known !== undefined) return known;
  const additions = createAdditions({
    policyReady,
    onChange: () => void queryClient.invalidateQueries({ queryKey: DEVICE_MODELS_KEY }),
    onAdded: (id) => toast(`${id} is on this device now.`),
    onFailed: (id, problem) =>
      toast(`${id} could not be added. ${problem}`, { kind: 'problem', stays: true }),
  });
  made.set(queryClient, additions);
  return additions;
}

export function useAdditions(policyReady: () => Promise<void>): UsedAdditions {
  const queryClient = useQueryClient();
  const additions = additionsOf(queryClient, policyReady);
  const list = useSyncExternalStore(additions.subscribe, additions.list);
  const addTyped = useCallback(
    (text: string, precision: 'auto' | Precision, hub: string) => {
      try {
        additions.addRemote(parseSource(text, hub), precision);
        return true;
      } catch (error) {
        toast(sentence(error), { kind: 'problem', stays: true });
        return false;
      }
    },
    [additions],
  );
  return useMemo(
    () => ({
      list,
      addTyped,
      addFolder: ({ name, files }) => additions.addFolder(name, files),
      dismiss: additions.dismiss,
    }),
    [list, addTyped, additions],
  );
}

// What is being added, for React.

import { useCallback, useMemo, useSyncExternalStore } from 'react';
import { messageOf } from '../../models/clip/message-of.ts';
import type { Precision } from '../../models/clip/types.ts';
import { toast } from '../ui/toast.ts';
import type { Addition, Additions } from './additions.ts';
import { hostsOf } from './keep/hosts.ts';
import { deviceId, parseSource } from './keep/source.ts';
import type { PickedFolder } from './picked-folder.ts';

export interface UsedAdditions {
  readonly list: readonly Addition[];
  /** What the visitor typed or pressed; says so where it is no source. */
  readonly addTyped: (text: string, precision: 'auto' | Precision, hub: string) => boolean;
  readonly addFolder: (folder: PickedFolder) => void;
  readonly dismiss: (id: string) => void;
}

/** @param allowSoftwareAdapter as models are loaded with it */
export function useAdditions(additions: Additions, allowSoftwareAdapter: boolean): UsedAdditions {
  const list = useSyncExternalStore(additions.subscribe, additions.list);
  const addTyped = useCallback(
    (text: string, precision: 'auto' | Precision, hub: string) => {
      try {
        const source = parseSource(text, hub);
        additions.add(deviceId(source), hostsOf(source), (api, onProgress) =>
          api.remote(source, precision, allowSoftwareAdapter, onProgress),
        );
        return true;
      } catch (error) {
        toast(messageOf(error), { kind: 'problem', stays: true });
        return false;
      }
    },
    [additions, allowSoftwareAdapter],
  );
  return useMemo(
    () => ({
      list,
      addTyped,
      addFolder: ({ name, files }) =>
        additions.add(name, [], (api, onProgress) =>
          api.folder(name, files, allowSoftwareAdapter, onProgress),
        ),
      dismiss: additions.dismiss,
    }),
    [list, addTyped, additions, allowSoftwareAdapter],
  );
}

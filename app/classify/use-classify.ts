// React's side of the main view: hooks over the address, the photographs, the model and the classifier.

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { startTransition, useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { messageOf } from '../../models/clip/message-of.ts';
import type { LoadProgress, ModelChoice, ModelReport } from '../inference/types.ts';
import { onPhotosChanged } from '../storage/photos.ts';
import { touchVectorModel } from '../storage/vectors.ts';
import { toast } from '../ui/toast.ts';
import type { Classifier, PhotoResult, Progress } from './classifier.ts';
import { loadExamples } from './examples.ts';
import { loadRequest } from './load-request.ts';
import { loadPhotos, PHOTOS_KEY, type Photo, readPhoto } from './photos.ts';
import { type Ranker, useServices } from './services.tsx';
import { type View, withLabels } from './view.ts';
import type { Edit } from './words.ts';

export interface ViewControls {
  readonly view: View;
  readonly editLabels: (edit: Edit) => void;
  readonly editTemplates: (edit: Edit) => void;
  readonly show: (change: Partial<Omit<View, 'labels' | 'templates'>>) => void;
  readonly canUndo: boolean;
  readonly undo: () => void;
}

export function useView(): ViewControls {
  const { address } = useServices();
  const view = useSyncExternalStore(address.subscribe, address.view);
  const canUndo = useSyncExternalStore(address.subscribe, address.canUndo);
  const change = useCallback(
    (next: View) => {
      try {
        address.change(next);
      } catch (error) {
        toast(messageOf(error), { kind: 'problem' });
      }
    },
    [address],
  );
  return useMemo(
    () => ({
      view,
      editLabels: (edit) => {
        const now = address.view();
        change(withLabels(now, edit(now.labels)));
      },
      editTemplates: (edit) => {
        const now = address.view();
        change({ ...now, templates: edit(now.templates) });
      },
      show: (some) => change({ ...address.view(), ...some }),
      canUndo,
      undo: address.undo,
    }),
    [view, canUndo, address, change],
  );
}

export interface Photos {
  readonly photos: readonly Photo[];
  /** The photographs are examples, because there are none of the visitor's own. */
  readonly areExamples: boolean;
  /** Not known yet what this device keeps. */
  readonly loading: boolean;
}

export function usePhotos(): Photos {
  const queryClient = useQueryClient();
  const own = useQuery({ queryKey: PHOTOS_KEY, queryFn: () => loadPhotos(queryClient) });
  // Where nothing can be stored there is nothing kept, and examples are as good as ever. A list that is here already stays
  // when it cannot be read anew.
  const none = own.data === undefined ? own.isError : own.data.length === 0;
  const examples = useQuery({
    queryKey: ['examples'],
    queryFn: ({ signal }) => loadExamples(signal),
    enabled: none,
  });
  useProblem(own.data === undefined ? null : own.error, OUTDATED, own.refetch);
  useProblem(none ? examples.error : null, NO_EXAMPLES, examples.refetch);
  useEffect(
    () => onPhotosChanged(() => void queryClient.invalidateQueries({ queryKey: PHOTOS_KEY })),
    [queryClient],
  );
  const photos = none ? (examples.data ?? NONE) : (own.data ?? NONE);
  return { photos, areExamples: none, loading: none ? examples.isPending : own.isPending };
}
const NONE: readonly Photo[] = [];
const OUTDATED =
  'The list of photographs may be out of date: what this device keeps could not be read again.';
const NO_EXAMPLES = 'The example photographs did not come; add your own all the same.';

/** Says what went wrong, each time that it does, and offers to try it again. */
function useProblem(error: Error | null, what: string, retry: () => Promise<unknown>): void {
  useEffect(() => {
    if (error === null) return;
    toast(`${what} (${error.message})`, {
      kind: 'problem',
      stays: true,
      action: { name: 'Try again', run: () => void retry() },
    });
  }, [error, what, retry]);
}

export interface Model {
  readonly report: ModelReport | null;
  /** Null when nothing is loading. */
  readonly progress: LoadProgress | null;
  /** Why there is no model, or null. */
  readonly problem: string | null;
  readonly reload: () => void;
}

/** The model that ranks the photographs. */
export function useModel(choice: ModelChoice): Model {
  return useLoaded('first', useServices(), choice);
}

/** The one beside it; none for null, and then it takes no memory either. */
export function useBeside(choice: ModelChoice | null): Model {
  const { beside } = useServices();
  const none = choice === null;
  useEffect(() => {
    if (!none) return;
    beside.encodeWith(null);
    beside.client.close();
  }, [beside, none]);
  return useLoaded('beside', beside, choice);
}

function useLoaded(name: string, { client, encodeWith }: Ranker, choice: ModelChoice | null): Model {
  const { queryClient, siteReady } = useServices();
  const model = useQuery({
    queryKey: ['model', name, choice],
    // Reading the signal ends a load that was switched away from before it began.
    queryFn: async ({ signal }) => {
      if (choice === null) return null;
      const request = loadRequest(choice, new URL(location.href), new URL(document.baseURI));
      await siteReady;
      signal.throwIfAborted();
      const report = await client.load(request, {
        onProgress: (progress) => queryClient.setQueryData(progressKey(name), progress),
        // What was encoded before is ranked while the model still loads.
        onKnown: encodeWith,
      });
      touchVectorModel(report.modelKey).catch((error: unknown) => console.warn(messageOf(error)));
      return report;
    },
    // A model that was switched away from is no longer there: coming back to it loads it anew.
    gcTime: 0,
  });
  const progress = useQuery<LoadProgress>({ queryKey: progressKey(name), enabled: false });
  const { refetch } = model;

  useEffect(
    () =>
      client.onDeviceLost((reason) => {
        toast(`${reason} The model is loaded again.`, { kind: 'problem' });
        void refetch();
      }),
    [client, refetch],
  );
  const report = model.isError ? null : (model.data ?? null);
  const shownProgress = model.isFetching ? (progress.data ?? null) : null;
  const problem = model.isError && !model.isFetching ? messageOf(model.error) : null;
  return useMemo(
    () => ({ report, progress: shownProgress, problem, reload: () => void refetch() }),
    [report, shownProgress, problem, refetch],
  );
}

const progressKey = (name: string) => ['model-progress', name] as const;

/** Tells a classifier what the page shows. */
export function useClassification(
  classifier: Classifier,
  photos: readonly Photo[],
  { labels, templates }: View,
): void {
  const toRank = useMemo(
    () =>
      photos.flatMap((photo) =>
        photo.id === null ? [] : [{ id: photo.id, name: photo.name, read: () => readPhoto(photo) }],
      ),
    [photos],
  );
  useEffect(
    () => classifier.update({ photos: toRank, labels, templates }),
    [classifier, toRank, labels, templates],
  );
}

/** One value of the progress; the component renders again when this value changes and not at every result. */
export function useProgress<Name extends keyof Progress>(name: Name): Progress[Name] {
  const { classifier } = useServices();
  return useSyncExternalStore(classifier.subscribe, () => classifier.progress()[name]);
}

/**
 * The progress' version, for what is made of all results. It changes at every result, many times a second, so that it is rendered
 * in a transition: `useProgress` would render at once each time.
 */
export function useResultsVersion(classifier: Classifier): number {
  const [version, setVersion] = useState(() => classifier.progress().version);
  useEffect(() => {
    const follow = () => startTransition(() => setVersion(classifier.progress().version));
    // It may have changed since the first rendering.
    follow();
    return classifier.subscribe(follow);
  }, [classifier]);
  return version;
}

export function usePhotoResult(classifier: Classifier, id: string | null): PhotoResult {
  return useSyncExternalStore(classifier.subscribe, () => classifier.result(id));
}

// The page as a whole: the bar with what runs where, the words, the photographs; and what can be dropped or pasted on it.

import { lazy, Suspense, useEffect, useState } from 'react';
import { Announcer } from './classify/announcer.tsx';
import { DropTarget } from './classify/drop-target.tsx';
import { refuse } from './classify/late-parts.ts';
import { allowsSoftwareAdapter, givenChoice } from './classify/load-request.ts';
import { MachineBar } from './classify/machine-bar.tsx';
import { PhotoView } from './classify/photo-view.tsx';
import { hasUnkept, type Photo } from './classify/photos.ts';
import { useServices } from './classify/services.tsx';
import { useAddFiles } from './classify/use-add-files.ts';
import {
  useBeside,
  useClassification,
  useModel,
  usePhotos,
  useProgress,
  useView,
} from './classify/use-classify.ts';
import { WordsPanel } from './classify/words-panel.tsx';
import { deviceWords } from './inference/device-words.ts';
import type { ModelReport } from './inference/types.ts';
import type { Additions } from './library/additions.ts';
import { applyUpdate, onUpdateAvailable } from './site.ts';
import { ErrorBoundary } from './ui/error-boundary.tsx';
import { Failure } from './ui/failure.tsx';
import { toast } from './ui/toast.ts';
import { ToastRegion } from './ui/toast-region.tsx';
import { whenIdle } from './ui/when-idle.ts';
import './ui/page.css';

interface AppProps {
  readonly additions: Additions;
}

export function App({ additions }: AppProps) {
  return (
    <ErrorBoundary fallback={(error) => <Failure what="This page" error={error} />}>
      <Page additions={additions} />
    </ErrorBoundary>
  );
}

const loadModelsView = () => import('./library/models-view.tsx').catch(refuse);
const ModelsView = lazy(loadModelsView);
const loadAhead = () => void loadModelsView().catch((error: unknown) => console.warn(error));
const NO_PHOTOS: readonly Photo[] = [];
const DEFAULT_CHOICE = givenChoice(new URL(location.href), new URL(document.baseURI));
const ALLOW_SOFTWARE_ADAPTER = allowsSoftwareAdapter(new URL(location.href));

function Page({ additions }: AppProps) {
  const { classifier, beside: second } = useServices();
  const controls = useView();
  const { view, show } = controls;
  const model = useModel(view.model);
  const beside = useBeside(view.beside);
  const photos = usePhotos();
  const addFiles = useAddFiles();
  const [choosingModels, setChoosingModels] = useState(false);
  useClassification(classifier, photos.photos, view);
  useClassification(second.classifier, view.beside === null ? NO_PHOTOS : photos.photos, view);
  useNoteSpeed(model.report);
  const hasModel = model.report !== null;
  useEffect(() => (hasModel ? whenIdle(loadAhead) : undefined), [hasModel]);
  useSiteUpdates();
  useUndoKey(controls.canUndo, controls.undo);

  return (
    <DropTarget onFiles={addFiles}>
      <div className="page">
        <MachineBar model={model} onFiles={addFiles} onModels={() => setChoosingModels(true)} />
        <div className="columns">
          <WordsPanel controls={controls} />
          <PhotoView photos={photos} controls={controls} report={model.report} beside={beside} />
        </div>
      </div>
      {choosingModels && (
        <ErrorBoundary fallback={(error) => <Failure what="The list of models" error={error} />}>
          <Suspense fallback={null}>
            <ModelsView
              use={view.model}
              beside={view.beside}
              report={model.report}
              fallback={DEFAULT_CHOICE}
              onUse={(choice) =>
                // The one beside it takes its place, and does not run twice.
                show({ model: choice, beside: view.beside?.model === choice.model ? null : view.beside })
              }
              onBeside={(choice) => show({ beside: choice })}
              onClose={() => setChoosingModels(false)}
              additions={additions}
              allowSoftwareAdapter={ALLOW_SOFTWARE_ADAPTER}
            />
          </Suspense>
        </ErrorBoundary>
      )}
      <Announcer />
      <ToastRegion />
    </DropTarget>
  );
}

/** How fast a model is here, for the list of models: noted once it has been told for a moment. */
function useNoteSpeed(report: ModelReport | null): void {
  const msPerPhoto = useProgress('msPerPhoto');
  useEffect(() => {
    if (report === null || msPerPhoto === null) return;
    const note = async () => {
      const { noteTried } = await import('./library/tried.ts');
      await noteTried(report, deviceWords(report), msPerPhoto);
    };
    const timer = setTimeout(
      () => note().catch((error: unknown) => console.warn('The speed is not noted:', error)),
      NOTE_AFTER_MS,
    );
    return () => clearTimeout(timer);
  }, [report, msPerPhoto]);
}
const NOTE_AFTER_MS = 2_000;

/** A new version of the site is offered, never forced; what a reload costs is said before. */
function useSiteUpdates(): void {
  const { queryClient } = useServices();
  useEffect(() => {
    const offer = async () => {
      const costs = await hasUnkept(queryClient);
      const words = costs
        ? 'Some of your photographs are not kept on this device: add them again after reloading. Your labels stay.'
        : 'Your photographs and labels stay.';
      const reload = async () => {
        // What was added since the offer may have changed what it promised.
        if (!costs && (await hasUnkept(queryClient))) await offer();
        else await applyUpdate();
      };
      toast(`A new version of Promptlens is ready. ${words}`, {
        action: { name: 'Reload', run: () => void reload() },
        stays: true,
      });
    };
    return onUpdateAvailable(() => void offer());
  }, [queryClient]);
}

/** Ctrl+Z (⌘Z) outside of text fields, which have their own, and of dialogs, behind which nobody sees what it does. */
function useUndoKey(canUndo: boolean, undo: () => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'z' || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
      if (event.target instanceof Element && event.target.closest('input, textarea, select')) return;
      if (document.querySelector('dialog[open]') !== null) return;
      if (!canUndo) return;
      event.preventDefault();
      undo();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [canUndo, undo]);
}

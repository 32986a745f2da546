// The page as a whole: the bar with what runs where, the words, the photographs; and what can be dropped or pasted on it.

import { useEffect } from 'react';
import { Announcer } from './classify/announcer.tsx';
import { DropTarget } from './classify/drop-target.tsx';
import { MachineBar } from './classify/machine-bar.tsx';
import { PhotoView } from './classify/photo-view.tsx';
import { hasUnkept } from './classify/photos.ts';
import { useServices } from './classify/services.tsx';
import { useAddFiles } from './classify/use-add-files.ts';
import { useClassification, useModel, usePhotos, useView } from './classify/use-classify.ts';
import { WordsPanel } from './classify/words-panel.tsx';
import { applyUpdate, onUpdateAvailable } from './site.ts';
import { ErrorBoundary } from './ui/error-boundary.tsx';
import { Failure } from './ui/failure.tsx';
import { toast } from './ui/toast.ts';
import { ToastRegion } from './ui/toast-region.tsx';
import './ui/page.css';

export function App() {
  return (
    <ErrorBoundary fallback={(error) => <Failure what="This page" error={error} />}>
      <Page />
    </ErrorBoundary>
  );
}

function Page() {
  const model = useModel();
  const photos = usePhotos();
  const controls = useView();
  const addFiles = useAddFiles();
  useClassification(photos.photos, controls.view);
  useSiteUpdates();
  useUndoKey(controls.canUndo, controls.undo);

  return (
    <DropTarget onFiles={addFiles}>
      <div className="page">
        <MachineBar model={model} onFiles={addFiles} />
        <div className="columns">
          <WordsPanel controls={controls} />
          <PhotoView photos={photos} controls={controls} report={model.report} />
        </div>
      </div>
      <Announcer />
      <ToastRegion />
    </DropTarget>
  );
}

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

/** Ctrl+Z (⌘Z) outside of text fields, which have their own. */
function useUndoKey(canUndo: boolean, undo: () => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'z' || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
      if (event.target instanceof Element && event.target.closest('input, textarea, select')) return;
      if (!canUndo) return;
      event.preventDefault();
      undo();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [canUndo, undo]);
}

// The photographs: what is shown, in which order, as cards or as a table.

import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { messageOf } from '../../models/clip/message-of.ts';
import type { ModelReport } from '../inference/types.ts';
import { Button } from '../ui/button.tsx';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import { Failure, failureWords } from '../ui/failure.tsx';
import { formatCount } from '../ui/format.ts';
import { toast } from '../ui/toast.ts';
import { whenIdle } from '../ui/when-idle.ts';
import { BesideBar, useCompared } from './compared.tsx';
import { EXAMPLE_CREDITS } from './examples.ts';
import { loadAhead, loadDetails, loadTable } from './late-parts.ts';
import { arrange } from './order.ts';
import { PhotoGrid } from './photo-grid.tsx';
import { type Photo, takeAway } from './photos.ts';
import { useServices } from './services.tsx';
import { Toolbar } from './toolbar.tsx';
import {
  type Model,
  type Photos,
  useProgress,
  useResultsVersion,
  type ViewControls,
} from './use-classify.ts';
import './photo-view.css';

const PhotoTable = lazy(loadTable);
const PhotoDetails = lazy(loadDetails);

interface PhotoViewProps {
  readonly photos: Photos;
  readonly controls: ViewControls;
  readonly report: ModelReport | null;
  /** The model that stands beside the first one; its report is null where there is none. */
  readonly beside: Model;
}

export function PhotoView({
  photos: { photos, areExamples, loading },
  controls,
  report,
  beside,
}: PhotoViewProps) {
  const { view, show } = controls;
  const shown = useArranged(photos, controls);
  const [openKey, setOpenKey] = useState<string | null>(null);
  const open = useCallback((photo: Photo) => setOpenKey(photo.key), []);
  const remove = useRemove();
  const compared = useCompared(view, report, beside.report);
  const hasModel = report !== null;
  useEffect(() => (hasModel ? whenIdle(loadAhead) : undefined), [hasModel]);

  return (
    <main className="photographs" aria-labelledby="photographs-title">
      <div className="view-head">
        <div className="view-title">
          <h2 id="photographs-title" className="numbers">
            {areExamples || loading
              ? 'Example photographs'
              : formatCount(photos.length, 'photograph', 'photographs')}
          </h2>
          <RankingProgress total={photos.length} />
          {areExamples && (
            <p className="view-invitation">
              Add your own: drop them anywhere on this page, paste them, or pick files or a folder.
            </p>
          )}
        </div>
        <Toolbar
          controls={controls}
          photos={photos}
          shown={shown}
          report={report}
          onClear={areExamples ? null : () => remove(photos)}
        />
      </div>
      {compared !== null && (
        <BesideBar
          name={compared.second}
          model={beside}
          photos={photos}
          onStop={() => show({ beside: null })}
        />
      )}
      {shown.length === 0 && photos.length > 0 && (
        <div className="view-none">
          <p>No photograph passes these filters.</p>
          <Button onClick={() => show({ onlyLabel: null, onlyCertainty: null })}>Show all</Button>
        </div>
      )}
      {view.layout === 'table' ? (
        <ErrorBoundary fallback={(error) => <Failure what="The table" error={error} />}>
          <Suspense fallback={null}>
            <PhotoTable photos={shown} sort={view.sort} onSort={(sort) => show({ sort })} onOpen={open} />
          </Suspense>
        </ErrorBoundary>
      ) : (
        <PhotoGrid photos={shown} compared={compared} onOpen={open} />
      )}
      {areExamples && <p className="view-credits">{EXAMPLE_CREDITS}</p>}
      {openKey !== null && (
        <ErrorBoundary fallback={(error) => <DetailsFailure error={error} onTold={() => setOpenKey(null)} />}>
          <Suspense fallback={null}>
            <PhotoDetails
              photos={shown}
              openKey={openKey}
              compared={compared}
              onOpen={setOpenKey}
              onRemove={areExamples ? null : (photo) => remove([photo])}
            />
          </Suspense>
        </ErrorBoundary>
      )}
    </main>
  );
}

/** Told at the screen's edge: there is no telling how far down the page the photograph is. */
function DetailsFailure({ error, onTold }: { readonly error: unknown; readonly onTold: () => void }) {
  useEffect(() => {
    toast(failureWords('Details', error), {
      kind: 'problem',
      stays: true,
      action: { name: 'Reload', run: () => location.reload() },
    });
    onTold();
  }, [error, onTold]);
  return null;
}

function useArranged(photos: readonly Photo[], { view }: ViewControls): readonly Photo[] {
  const { classifier } = useServices();
  const { sort, onlyLabel, onlyCertainty } = view;
  const version = useResultsVersion(classifier);
  const byResult =
    sort.by === 'label' || sort.by === 'certainty' || onlyLabel !== null || onlyCertainty !== null;
  const dependsOn = byResult ? version : 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for all results
  return useMemo(
    () => arrange(photos, { sort, onlyLabel, onlyCertainty }, (id) => classifier.result(id)),
    [photos, sort, onlyLabel, onlyCertainty, classifier, dependsOn],
  );
}

function useRemove(): (gone: readonly Photo[]) => void {
  const { queryClient } = useServices();
  return (gone) => {
    const remove = async () => {
      const undo = await takeAway(queryClient, gone);
      const what = gone.length === 1 ? gone[0]?.name : formatCount(gone.length, 'photograph', 'photographs');
      toast(`${what} removed from this device.`, {
        action: { name: 'Undo', run: () => void undo().catch(complain) },
      });
    };
    remove().catch(complain);
  };
}

function complain(error: unknown): void {
  toast(messageOf(error), { kind: 'problem' });
}

function RankingProgress({ total }: { readonly total: number }) {
  const ranked = useProgress('ranked');
  const failed = useProgress('failed');
  const done = ranked + failed;
  if (done >= total) {
    return failed === 0 ? null : (
      <p className="view-progress view-failed">{failed.toLocaleString('en')} could not be read</p>
    );
  }
  return (
    <p className="view-progress numbers">
      <progress max={total} value={done} aria-label="Photographs ranked" />
      {done.toLocaleString('en')} of {total.toLocaleString('en')} ranked
    </p>
  );
}

// One photograph large, with every label's probability, cosine and margin. The browser's own dialog: it keeps the focus,
// and Escape closes it.

import { memo, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { type RankedLabel, rankCosines } from '../../models/clip/ranking.ts';
import { Button } from '../ui/button.tsx';
import { formatBytes, formatCosine, formatCount, formatProbability } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { hasModifier } from '../ui/modifier.ts';
import { type Portion, usePortions } from '../ui/portions.ts';
import { hostToasts } from '../ui/toast-host.ts';
import type { Classifier } from './classifier.ts';
import type { Compared } from './compared.tsx';
import { type Photo, readPhoto } from './photos.ts';
import { certaintyWords, placeOnScale, type Ranking } from './ranking.ts';
import { useServices } from './services.tsx';
import { usePhotoResult, useProgress } from './use-classify.ts';
import './photo-details.css';

interface PhotoDetailsProps {
  readonly photos: readonly Photo[];
  readonly openKey: string;
  /** Null where one model ranks alone. */
  readonly compared: Compared | null;
  /** Null closes. */
  readonly onOpen: (key: string | null) => void;
  readonly onRemove: ((photo: Photo) => void) | null;
}

export default function PhotoDetails({ photos, openKey, compared, onOpen, onRemove }: PhotoDetailsProps) {
  const { classifier, beside } = useServices();
  const dialog = useRef<HTMLDialogElement>(null);
  const closeButton = useRef<HTMLButtonElement>(null);
  const at = photos.findIndex(({ key }) => key === openKey);
  const photo = photos[at];
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    closeButton.current?.focus();
    return () => element?.close();
  }, []);
  useEffect(() => {
    // Removed, filtered away, or cleared in another tab.
    if (photo === undefined) onOpen(null);
  }, [photo, onOpen]);
  if (photo === undefined) return null;

  const go = (step: number) => {
    const next = photos[at + step];
    if (next !== undefined) onOpen(next.key);
  };
  const remove = (gone: Photo) => {
    onOpen((photos[at + 1] ?? photos[at - 1])?.key ?? null);
    onRemove?.(gone);
  };
  return (
    <dialog
      ref={dialog}
      className="details"
      aria-labelledby="details-title"
      // Not where it is open again by then: React's strict mode closes and opens it once, and the browser tells of it later.
      onClose={({ currentTarget }) => {
        if (!currentTarget.open) onOpen(null);
      }}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current.close();
      }}
      onKeyDown={(event) => {
        if (hasModifier(event)) return;
        if (event.key === 'ArrowLeft') go(-1);
        if (event.key === 'ArrowRight') go(1);
      }}
    >
      <div className="details-body">
        <header className="details-head">
          <h2 id="details-title">{photo.name}</h2>
          <p className="numbers">
            {at + 1} of {photos.length.toLocaleString('en')}
            <span className="details-bytes"> · {formatBytes(photo.bytes)}</span>
          </p>
          <div className="details-tools">
            {onRemove !== null && (
              <Button
                look="quiet"
                className="button-icon"
                aria-label="Remove this photograph"
                onClick={() => remove(photo)}
              >
                <Icon name="trash" size={18} />
              </Button>
            )}
            <Button
              look="quiet"
              className="button-icon"
              aria-label="Previous"
              disabled={at === 0}
              onClick={() => go(-1)}
            >
              <Icon name="left" />
            </Button>
            <Button
              look="quiet"
              className="button-icon"
              aria-label="Next"
              disabled={at === photos.length - 1}
              onClick={() => go(1)}
            >
              <Icon name="right" />
            </Button>
            <Button
              look="quiet"
              className="button-icon"
              aria-label="Close"
              ref={closeButton}
              onClick={() => dialog.current?.close()}
            >
              <Icon name="close" />
            </Button>
          </div>
        </header>
        <FullPicture key={photo.key} photo={photo} />
        {compared === null ? (
          <Numbers classifier={classifier} photo={photo} />
        ) : (
          <div className="details-both">
            <h3>{compared.first}</h3>
            <Numbers classifier={classifier} photo={photo} />
            <h3>{compared.second}</h3>
            <Numbers classifier={beside.classifier} photo={photo} />
          </div>
        )}
      </div>
      <div ref={hostToasts} />
    </dialog>
  );
}

function FullPicture({ photo }: { readonly photo: Photo }) {
  const { thumbnails } = useServices();
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let made: string | null = null;
    let gone = false;
    readPhoto(photo).then(
      (blob) => {
        if (gone) return;
        made = URL.createObjectURL(blob);
        setUrl(made);
      },
      () => setUrl(null), // the numbers beside it say why
    );
    return () => {
      gone = true;
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [photo]);
  const shown = url ?? thumbnails.peek(photo.key);
  return (
    <div className="details-picture">{shown && <img src={shown} alt={photo.name} decoding="async" />}</div>
  );
}

function Numbers({ classifier, photo }: { readonly classifier: Classifier; readonly photo: Photo }) {
  const result = useDeferredValue(usePhotoResult(classifier, photo.id));
  const labels = useProgress('labels');
  switch (result.state) {
    case 'waiting':
      return <p className="details-note">Not ranked yet.</p>;
    case 'failed':
      return <p className="details-note details-problem">{result.reason}</p>;
    case 'ranked':
      return result.ranking === null ? (
        <p className="details-note">{labels === 0 ? 'Add a label to rank it by.' : 'Not ranked yet.'}</p>
      ) : (
        <Scores ranking={result.ranking} />
      );
    default:
      return result satisfies never;
  }
}

/** A full list of a thousand labels is one press away, not always made. */
const SHOWN_AT_FIRST = 20;

function Scores({ ranking }: { readonly ranking: Ranking }) {
  const [all, setAll] = useState(false);
  const { cosines, logitScale, probability, certainty } = ranking;
  const rows = useMemo(
    () => rankCosines(cosines, { logitScale, topK: all ? cosines.length : SHOWN_AT_FIRST }),
    [cosines, logitScale, all],
  );
  const portions = usePortions(rows.length);
  return (
    <div className="details-scores">
      <p className={`details-verdict certainty-${certainty}`}>{certaintyWords(ranking)}</p>
      <p className="details-note">{explanation(ranking)}</p>
      <table className="numbers">
        <thead>
          <tr>
            <th scope="col">Label</th>
            <th scope="col">{probability === null ? 'Scale' : 'Probability'}</th>
            <th scope="col">Cosine</th>
            <th scope="col">To the best</th>
          </tr>
        </thead>
        {portions.map(({ first, end }) => (
          <ScoreRows key={first} ranking={ranking} rows={rows} first={first} end={end} />
        ))}
      </table>
      {!all && cosines.length > SHOWN_AT_FIRST && (
        <Button look="quiet" onClick={() => setAll(true)}>
          Show all {formatCount(cosines.length, 'label', 'labels')}
        </Button>
      )}
    </div>
  );
}

interface ScoreRowsProps extends Portion {
  readonly ranking: Ranking;
  readonly rows: readonly RankedLabel[];
}

/** No element more than the cells: there are a thousand rows. The bar is a cell's background. */
const ScoreRows = memo(function ScoreRows({ ranking, rows, first, end }: ScoreRowsProps) {
  const { set, best, probability, unrelated, margin } = ranking;
  const alone = probability === null;
  return (
    <tbody>
      {rows.slice(first, end).map(({ index, cosine, probability: share }) => (
        <tr key={index}>
          <th scope="row">{set.labels[index]}</th>
          <td
            className="details-share"
            style={{ backgroundSize: barSize(alone ? (placeOnScale(cosine, unrelated) ?? 0) : share) }}
          >
            {!alone && formatProbability(share)}
          </td>
          <td>{formatCosine(cosine)}</td>
          <td>
            {index === best.index
              ? margin === null
                ? ''
                : `+${formatCosine(margin)}`
              : formatCosine(cosine - best.cosine)}
          </td>
        </tr>
      ))}
    </tbody>
  );
});

/** Of the bar's two layers, the one in front and the track. */
function barSize(share: number): string {
  return `calc(${share} * var(--bar)) 3px, var(--bar) 3px`;
}

function explanation({ probability, certainty, unrelated, best, cosines }: Ranking): string {
  const usual =
    unrelated === null
      ? ''
      : ` Words that have nothing to do with this photograph get about ${formatCosine(unrelated.mean)}; “${best.label}” gets ${formatCosine(best.cosine)}.`;
  if (certainty === 'nothing') {
    return cosines.length === 1
      ? `“${best.label}” fits no better than a word picked at random would.${usual}`
      : `No label fits better than as many words picked at random would; the probabilities only say which is nearest.${usual}`;
  }
  if (probability === null) return `A label alone has no probability, for want of rivals.${usual}`;
  return `Probabilities share 100 % among these labels.${usual}`;
}

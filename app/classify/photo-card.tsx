// One photograph and its words; a second model's beneath them where two stand side by side.

import { memo } from 'react';
import { Button } from '../ui/button.tsx';
import { formatProbability } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Bars } from './bars.tsx';
import type { Classifier, PhotoResult } from './classifier.ts';
import type { Compared } from './compared.tsx';
import type { Photo } from './photos.ts';
import { certaintyWords, type Ranking } from './ranking.ts';
import { useServices } from './services.tsx';
import { usePhotoResult, useProgress } from './use-classify.ts';
import { useThumbnail } from './use-thumbnail.ts';
import './photo-card.css';

interface PhotoCardProps {
  readonly photo: Photo;
  /** Null where one model ranks alone. */
  readonly compared: Compared | null;
  readonly onOpen: (photo: Photo) => void;
}

const BARS = 3;

export const PhotoCard = memo(function PhotoCard({ photo, compared, onOpen }: PhotoCardProps) {
  const { classifier, beside } = useServices();
  const result = usePhotoResult(classifier, photo.id);
  const second = usePhotoResult(beside.classifier, photo.id);
  return (
    <article className="card">
      <button
        type="button"
        className="card-open"
        aria-label={cardWords(photo, result, compared === null ? null : second)}
        onClick={() => onOpen(photo)}
      >
        <Picture photo={photo} />
      </button>
      {compared === null ? (
        <div className={wordsClass(result)}>
          <CardResult classifier={classifier} photo={photo} result={result} />
        </div>
      ) : (
        <>
          <Answer model={compared.first} classifier={classifier} photo={photo} result={result} />
          <Answer model={compared.second} classifier={beside.classifier} photo={photo} result={second} />
        </>
      )}
      <p className="card-foot">
        <span className="card-name">{photo.name}</span>
        {compared === null && <Verdict result={result} />}
      </p>
    </article>
  );
});

export function Picture({ photo }: { readonly photo: Photo }) {
  const { url, broken } = useThumbnail(photo);
  if (url !== null) return <img className="picture" src={url} alt="" decoding="async" draggable={false} />;
  return <span className="picture picture-none">{broken && <Icon name="picture" size={32} />}</span>;
}

/** One of two models' answers, under its name. */
function Answer({ model, ...answer }: CardResultProps & { readonly model: string }) {
  return (
    <div className={wordsClass(answer.result)}>
      <p className="card-model">
        <span>{model}</span>
        <Verdict result={answer.result} />
      </p>
      <CardResult {...answer} />
    </div>
  );
}

function wordsClass(result: PhotoResult): string {
  const nothing = result.state === 'ranked' && result.ranking?.certainty === 'nothing';
  return nothing ? 'card-words card-nothing' : 'card-words';
}

function Verdict({ result }: { readonly result: PhotoResult }) {
  if (result.state !== 'ranked' || result.ranking === null) return null;
  const { ranking } = result;
  return <span className={`certainty certainty-${ranking.certainty}`}>{certaintyWords(ranking)}</span>;
}

interface CardResultProps {
  readonly classifier: Classifier;
  readonly photo: Photo;
  readonly result: PhotoResult;
}

function CardResult({ classifier, photo, result }: CardResultProps) {
  switch (result.state) {
    case 'waiting':
      return <Waiting />;
    case 'failed':
      return (
        <div className="card-problem">
          <p title={result.reason}>{result.reason}</p>
          <Button look="quiet" onClick={() => photo.id !== null && classifier.retry(photo.id)}>
            <Icon name="retry" size={16} /> Try again
          </Button>
        </div>
      );
    case 'ranked':
      if (result.ranking === null) return <Unlabelled />;
      return <Bars ranking={result.ranking} count={BARS} />;
    default:
      return result satisfies never;
  }
}

function Waiting() {
  return (
    <div className="card-waiting" aria-hidden="true">
      <span />
      <span />
      <span />
    </div>
  );
}

/** There is no label, or the model has not read any yet. */
function Unlabelled() {
  const labels = useProgress('labels');
  return labels === 0 ? <p className="card-none">Add a label to rank it by.</p> : <Waiting />;
}

function cardWords({ name }: Photo, result: PhotoResult, second: PhotoResult | null): string {
  switch (result.state) {
    case 'waiting':
      return `${name}, not ranked yet`;
    case 'failed':
      return `${name}, could not be read`;
    case 'ranked': {
      const { ranking } = result;
      if (ranking === null) return name;
      const other =
        second?.state === 'ranked' && second.ranking !== null
          ? `; the model beside it: ${bestWords(second.ranking)}`
          : '';
      return `${name}: ${bestWords(ranking)}, ${certaintyWords(ranking).toLowerCase()}${other}. Details`;
    }
    default:
      return result satisfies never;
  }
}

function bestWords({ best, probability }: Ranking): string {
  return probability === null ? best.label : `${best.label} ${formatProbability(probability)}`;
}

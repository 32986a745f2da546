// One photograph and its words.

import { memo } from 'react';
import { Button } from '../ui/button.tsx';
import { formatProbability } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Bars } from './bars.tsx';
import type { PhotoResult } from './classifier.ts';
import type { Photo } from './photos.ts';
import { certaintyWords } from './ranking.ts';
import { useServices } from './services.tsx';
import { usePhotoResult } from './use-classify.ts';
import { useThumbnail } from './use-thumbnail.ts';
import './photo-card.css';

interface PhotoCardProps {
  readonly photo: Photo;
  readonly onOpen: (photo: Photo) => void;
}

const BARS = 3;

export const PhotoCard = memo(function PhotoCard({ photo, onOpen }: PhotoCardProps) {
  const result = usePhotoResult(photo.id);
  return (
    <article className="card">
      <button
        type="button"
        className="card-open"
        aria-label={cardWords(photo, result)}
        onClick={() => onOpen(photo)}
      >
        <Picture photo={photo} />
      </button>
      <div className="card-words">
        <CardResult photo={photo} result={result} />
      </div>
      <p className="card-foot">
        <span className="card-name">{photo.name}</span>
        {result.state === 'ranked' && result.ranking !== null && (
          <span className={`certainty certainty-${result.ranking.certainty}`}>
            {certaintyWords(result.ranking)}
          </span>
        )}
      </p>
    </article>
  );
});

export function Picture({ photo }: { readonly photo: Photo }) {
  const { url, broken } = useThumbnail(photo);
  if (url !== null) return <img className="picture" src={url} alt="" decoding="async" draggable={false} />;
  return <span className="picture picture-none">{broken && <Icon name="picture" size={32} />}</span>;
}

function CardResult({ photo, result }: { readonly photo: Photo; readonly result: PhotoResult }) {
  const { classifier } = useServices();
  switch (result.state) {
    case 'waiting':
      return (
        <div className="card-waiting" aria-hidden="true">
          <span />
          <span />
          <span />
        </div>
      );
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
      if (result.ranking === null) return <p className="card-none">Add a label to rank it by.</p>;
      return <Bars ranking={result.ranking} count={BARS} />;
    default:
      return result satisfies never;
  }
}

function cardWords({ name }: Photo, result: PhotoResult): string {
  switch (result.state) {
    case 'waiting':
      return `${name}, not ranked yet`;
    case 'failed':
      return `${name}, could not be read`;
    case 'ranked': {
      const { ranking } = result;
      if (ranking === null) return name;
      const share = ranking.probability === null ? '' : ` ${formatProbability(ranking.probability)}`;
      return `${name}: ${ranking.best.label}${share}, ${certaintyWords(ranking).toLowerCase()}. Details`;
    }
    default:
      return result satisfies never;
  }
}

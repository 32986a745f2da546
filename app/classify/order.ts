// Which photographs are shown, in which order. Pure.

import type { PhotoResult } from './classifier.ts';
import { type Ranking, scoreOf } from './ranking.ts';
import type { Sort, View } from './view.ts';

interface Listed {
  readonly id: string | null;
  readonly name: string;
}

/** Photographs that pass the view's filters, in its order. While a filter is on, what is not ranked is left out. */
export function arrange<Photo extends Listed>(
  photos: readonly Photo[],
  view: Pick<View, 'sort' | 'onlyLabel' | 'onlyCertainty'>,
  result: (id: string | null) => PhotoResult,
): readonly Photo[] {
  const ranking = (photo: Photo): Ranking | null => {
    const found = result(photo.id);
    return found.state === 'ranked' ? found.ranking : null;
  };
  const { onlyLabel, onlyCertainty } = view;
  const shown =
    onlyLabel === null && onlyCertainty === null
      ? photos
      : photos.filter((photo) => {
          const found = ranking(photo);
          return (
            found !== null &&
            (onlyLabel === null || found.best.label === onlyLabel) &&
            (onlyCertainty === null || found.certainty === onlyCertainty)
          );
        });
  const { sort } = view;
  if (sort.by === 'added') return shown;
  if (sort.by === 'name') {
    const { compare } = new Intl.Collator('en', { numeric: true });
    return [...shown].sort((a, b) => compare(a.name, b.name));
  }
  return shown
    .map((photo) => ({ photo, value: sortValue(ranking(photo), sort) }))
    .sort((a, b) => (a.value === b.value ? 0 : b.value - a.value)) // equal infinities have no difference
    .map(({ photo }) => photo);
}

/** Highest first; what has no ranking comes last. */
function sortValue(ranking: Ranking | null, sort: Exclude<Sort, { by: 'added' | 'name' }>): number {
  if (ranking === null) return -Infinity;
  switch (sort.by) {
    case 'label': {
      const score = scoreOf(ranking, sort.label);
      return score === undefined ? -Infinity : (score.probability ?? score.cosine);
    }
    case 'certainty': {
      // What nothing fits is never among the certain, whatever its softmax says.
      const sure = ranking.probability ?? ranking.best.cosine;
      const value = ranking.certainty === 'nothing' ? sure - 2 : sure;
      return sort.first === 'most' ? value : -value;
    }
    default:
      return sort satisfies never;
  }
}

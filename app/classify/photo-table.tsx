// Photographs as rows of numbers. Only the rows near the screen are in the document.

import { memo, useLayoutEffect, useRef, useState } from 'react';
import { formatCosine, formatProbability } from '../ui/format.ts';
import { useRowWindow } from '../ui/window.ts';
import { Picture } from './photo-card.tsx';
import type { Photo } from './photos.ts';
import { certaintyWords } from './ranking.ts';
import { useServices } from './services.tsx';
import { usePhotoResult } from './use-classify.ts';
import type { Sort } from './view.ts';
import './photo-table.css';

interface PhotoTableProps {
  readonly photos: readonly Photo[];
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
  readonly onOpen: (photo: Photo) => void;
}

const COLUMNS = 8;

export default function PhotoTable({ photos, sort, onSort, onOpen }: PhotoTableProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [rowHeight, setRowHeight] = useState(0);
  const { first, end } = useRowWindow(body, photos.length, rowHeight);
  const empty = photos.length === 0;
  useLayoutEffect(() => {
    const element = body.current;
    if (empty || element === null) return;
    // Whichever row is first by then: rows come and go as one scrolls and sorts.
    const measure = () => {
      const height = element.querySelector('.table-row')?.getBoundingClientRect().height ?? 0;
      if (height > 0) setRowHeight(height);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [empty]);

  return (
    <div className="table-frame">
      <table className="table" aria-rowcount={photos.length + 1}>
        <caption className="visually-hidden">Photographs with their best labels</caption>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">
              <span className="visually-hidden">Picture</span>
            </th>
            <SortableHeader
              name="Photograph"
              order={sort.by === 'name' ? 'ascending' : 'none'}
              onSort={() => onSort({ by: 'name' })}
            />
            <th scope="col">Best label</th>
            <SortableHeader
              name="Probability"
              order={sort.by !== 'certainty' ? 'none' : sort.first === 'most' ? 'descending' : 'ascending'}
              onSort={() =>
                onSort({
                  by: 'certainty',
                  first: sort.by === 'certainty' && sort.first === 'most' ? 'least' : 'most',
                })
              }
            />
            <th scope="col">Cosine</th>
            <th scope="col">Margin</th>
            <th scope="col">Second</th>
            <th scope="col">Certainty</th>
          </tr>
        </thead>
        <tbody ref={body}>
          <Gap height={first * rowHeight} />
          {photos.slice(first, end).map((photo, i) => (
            <PhotoRow key={photo.key} photo={photo} rowIndex={first + i + 2} onOpen={onOpen} />
          ))}
          <Gap height={(photos.length - end) * rowHeight} />
        </tbody>
      </table>
    </div>
  );
}

function SortableHeader(props: {
  readonly name: string;
  readonly order: 'ascending' | 'descending' | 'none';
  readonly onSort: () => void;
}) {
  const arrow = props.order === 'ascending' ? '↑' : props.order === 'descending' ? '↓' : '';
  return (
    <th scope="col" aria-sort={props.order}>
      <button type="button" onClick={props.onSort}>
        {props.name} <span aria-hidden="true">{arrow}</span>
      </button>
    </th>
  );
}

/** Holds the place of rows that are not in the document. */
function Gap({ height }: { readonly height: number }) {
  if (height <= 0) return null;
  return (
    <tr>
      <td colSpan={COLUMNS} className="table-gap" style={{ height: `${height}px` }} />
    </tr>
  );
}

interface PhotoRowProps {
  readonly photo: Photo;
  readonly rowIndex: number;
  readonly onOpen: (photo: Photo) => void;
}

const PhotoRow = memo(function PhotoRow({ photo, rowIndex, onOpen }: PhotoRowProps) {
  const { classifier } = useServices();
  const result = usePhotoResult(classifier, photo.id);
  const ranking = result.state === 'ranked' ? result.ranking : null;
  const second = ranking?.top[1];
  return (
    <tr className="table-row" aria-rowindex={rowIndex}>
      <td className="table-picture">
        <Picture photo={photo} />
      </td>
      <th scope="row">
        <button type="button" onClick={() => onOpen(photo)}>
          {photo.name}
        </button>
      </th>
      {result.state === 'failed' ? (
        <td colSpan={COLUMNS - 2} className="table-problem">
          <span title={result.reason}>{result.reason}</span>
        </td>
      ) : (
        <>
          <td className="table-best">{ranking?.best.label}</td>
          <td className="numbers">
            {ranking?.probability != null && formatProbability(ranking.probability)}
          </td>
          <td className="numbers">{ranking && formatCosine(ranking.best.cosine)}</td>
          <td className="numbers">{ranking?.margin != null && formatCosine(ranking.margin)}</td>
          <td>{second && `${ranking?.set.labels[second.index]} ${formatProbability(second.probability)}`}</td>
          <td>
            {ranking && (
              <span className={`certainty certainty-${ranking.certainty}`}>{certaintyWords(ranking)}</span>
            )}
          </td>
        </>
      )}
    </tr>
  );
});

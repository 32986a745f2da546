// Photographs as cards. Only the cards near the screen are in the document; arrow keys walk through all of them.

import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { hasModifier } from '../ui/modifier.ts';
import { useRowWindow } from '../ui/window.ts';
import type { Compared } from './compared.tsx';
import { PhotoCard } from './photo-card.tsx';
import type { Photo } from './photos.ts';
import './photo-grid.css';

interface PhotoGridProps {
  readonly photos: readonly Photo[];
  readonly compared: Compared | null;
  readonly onOpen: (photo: Photo) => void;
}

export function PhotoGrid({ photos, compared, onOpen }: PhotoGridProps) {
  const list = useRef<HTMLUListElement>(null);
  const { columns, rowHeight } = useMeasuredGrid(list, photos.length > 0, compared !== null);
  const rows = Math.ceil(photos.length / columns);
  const { first, end } = useRowWindow(list, rows, rowHeight);
  const from = first * columns;
  const [focusWish, setFocusWish] = useState<number | null>(null);

  useEffect(() => {
    const card = list.current?.querySelector<HTMLElement>(
      `[aria-posinset="${(focusWish ?? -1) + 1}"] .card-open`,
    );
    if (focusWish === null || !card) return;
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: 'nearest' });
    setFocusWish(null);
  });

  const onKeyDown = (event: KeyboardEvent<HTMLUListElement>) => {
    // With Alt or ⌘ an arrow is the browser's: Back, which is undo here.
    if (hasModifier(event)) return;
    const step = steps(columns, photos.length)[event.key];
    const item =
      event.target instanceof Element && event.target.matches('.card-open') && event.target.closest('li');
    if (step === undefined || !item) return;
    const index = Number(item.getAttribute('aria-posinset')) - 1;
    const next = Math.min(photos.length - 1, Math.max(0, index + step));
    event.preventDefault();
    if (next === index) return;
    setFocusWish(next);
    // A card far away is put into the document by scrolling there.
    const rowTop = Math.floor(next / columns) * rowHeight;
    if (Math.floor(next / columns) < first || Math.floor(next / columns) >= end) {
      window.scrollTo({ top: (list.current?.offsetTop ?? 0) + rowTop - window.innerHeight / 3 });
    }
  };

  return (
    <ul
      ref={list}
      className="grid"
      aria-label="Photographs"
      style={{ paddingBlock: `${first * rowHeight}px ${Math.max(0, rows - end) * rowHeight}px` }}
      onKeyDown={onKeyDown}
    >
      {photos.slice(from, end * columns).map((photo, i) => (
        <li key={photo.key} aria-posinset={from + i + 1} aria-setsize={photos.length}>
          <PhotoCard photo={photo} compared={compared} onOpen={onOpen} />
        </li>
      ))}
    </ul>
  );
}

function steps(columns: number, count: number): Record<string, number | undefined> {
  return { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -count, End: count };
}

/** Columns as the style sheet lays them out, and a row's height with its gap, from the first card. */
function useMeasuredGrid(
  list: React.RefObject<HTMLElement | null>,
  hasCards: boolean,
  /** Makes cards higher. */
  comparing: boolean,
) {
  const [grid, setGrid] = useState({ columns: 1, rowHeight: 0 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: cards change their height with it, the list not its width
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null || !hasCards) return;
    const measure = () => {
      const card = element.querySelector('li');
      if (card === null) return;
      const style = getComputedStyle(element);
      const columns = style.gridTemplateColumns.split(' ').length;
      const rowHeight = card.getBoundingClientRect().height + Number.parseFloat(style.rowGap);
      setGrid((before) =>
        before.columns === columns && before.rowHeight === rowHeight ? before : { columns, rowHeight },
      );
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [list, hasCards, comparing]);
  return grid;
}

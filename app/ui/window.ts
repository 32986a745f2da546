// Windowing for long lists that scroll with the page: which rows are near the screen. Only these are in the document, so
// that ten thousand photographs cost what forty do.

import { type RefObject, useLayoutEffect, useState } from 'react';

export interface RowWindow {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

/** Rows above and below the screen that are there already when the reader scrolls. */
const OVERSCAN_PX = 600;

export function visibleRows(
  listTop: number,
  viewportHeight: number,
  rowHeight: number,
  rows: number,
): RowWindow {
  if (rowHeight <= 0) return { first: 0, end: Math.min(rows, 1) };
  const first = Math.floor((-listTop - OVERSCAN_PX) / rowHeight);
  const end = Math.ceil((viewportHeight - listTop + OVERSCAN_PX) / rowHeight);
  const clamp = (row: number) => Math.min(rows, Math.max(0, row));
  // A list far below the screen still has its first row, from which its height is measured.
  return { first: clamp(Math.min(first, rows - 1)), end: clamp(Math.max(end, 1)) };
}

/** @param rowHeight pixels, gap included; 0 while it is not measured */
export function useRowWindow(
  list: RefObject<HTMLElement | null>,
  rows: number,
  rowHeight: number,
): RowWindow {
  const [range, setRange] = useState<RowWindow>({ first: 0, end: 1 });
  useLayoutEffect(() => {
    const update = () => {
      // To ask where an empty list is would only make the browser lay out the page before its time.
      if (list.current === null || rows === 0) return;
      const { top } = list.current.getBoundingClientRect();
      const next = visibleRows(top, window.innerHeight, rowHeight, rows);
      setRange((before) => (before.first === next.first && before.end === next.end ? before : next));
    };
    update();
    const observer = new ResizeObserver(update);
    observer.observe(document.body);
    window.addEventListener('scroll', update, { passive: true });
    window.addEventListener('resize', update);
    return () => {
      observer.disconnect();
      window.removeEventListener('scroll', update);
      window.removeEventListener('resize', update);
    };
  }, [list, rows, rowHeight]);
  return { first: Math.min(range.first, Math.max(0, rows - 1)), end: Math.min(range.end, rows) };
}

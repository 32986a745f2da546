// Long lists that are put into the document a portion at a time: a thousand rows or options at once are a long task for
// React, and another for the browser's styles and layout.

import { useEffect, useState } from 'react';

/** Items that are made, laid out and painted within one frame, also where the model keeps the processor busy. */
const PORTION = 50;

export interface Portion {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

/** How many of `total` items are in the document by now: a portion more at each frame. The last portion, or the only one, comes at once. */
export function useGrowing(total: number, portion = PORTION): number {
  const [grown, setGrown] = useState(0);
  useEffect(() => {
    if (grown === total) return;
    const frame = requestAnimationFrame(() => setGrown((now) => Math.min(now + portion, total)));
    return () => cancelAnimationFrame(frame);
  }, [grown, total, portion]);
  return total - grown <= portion ? total : grown;
}

/** The same, portion by portion: each is best a component that knows it by these numbers, and so is not made anew with the next. */
export function usePortions(total: number): readonly Portion[] {
  return portionsOf(useGrowing(total));
}

export function portionsOf(count: number): readonly Portion[] {
  return Array.from({ length: Math.ceil(count / PORTION) }, (_, i) => ({
    first: i * PORTION,
    end: Math.min((i + 1) * PORTION, count),
  }));
}

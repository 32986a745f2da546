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

/**
 * The part of `total` items that is in the document by now: at once the first portion, at each frame one more. A portion is
 * best a component that knows it by these numbers, and so is not made anew when the next one comes.
 */
export function usePortions(total: number): readonly Portion[] {
  const [grown, setGrown] = useState(() => Math.min(PORTION, total));
  useEffect(() => {
    if (grown === total) return;
    const frame = requestAnimationFrame(() => setGrown((now) => Math.min(now + PORTION, total)));
    return () => cancelAnimationFrame(frame);
  }, [grown, total]);
  return portionsOf(Math.min(grown, total));
}

export function portionsOf(count: number): readonly Portion[] {
  return Array.from({ length: Math.ceil(count / PORTION) }, (_, i) => ({
    first: i * PORTION,
    end: Math.min((i + 1) * PORTION, count),
  }));
}

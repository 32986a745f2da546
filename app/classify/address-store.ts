// The view lives in the address; this is the one place that reads and writes it. Each edit of labels or templates, and each choice of
// a model, is a step in the browser's history, so that undo is Back and redo is Forward, also after a reload. Sorting and filtering
// change the step that is there.

import { formatFragment, parseFragment } from './address.ts';
import { MAX_FRAGMENT_LENGTH } from './limits.ts';
import type { View } from './view.ts';

export interface AddressStore {
  subscribe(listener: () => void): () => void;
  /** The same object until something changes. */
  view(): View;
  /** Throws a sentence where the view is too long for an address. */
  change(next: View): void;
  canUndo(): boolean;
  /** Takes the newest step back; where there is none, nothing happens. */
  undo(): void;
}

/** What undo takes back. */
const STEPS = ['labels', 'templates', 'model', 'beside'] as const satisfies readonly (keyof View)[];

/** Steps that this page has made in this tab's history up to the current one. */
const stepsOf = (state: unknown): number =>
  typeof state === 'object' && state !== null && 'steps' in state && typeof state.steps === 'number'
    ? state.steps
    : 0;

export function createAddressStore(defaults: View): AddressStore {
  const listeners = new Set<() => void>();
  let fragment = location.hash;
  let view = parseFragment(fragment, defaults);

  /** Presses of undo that the browser has still to answer: it goes back in its own time. */
  let goingBack = 0;

  const tell = () => {
    for (const listener of listeners) listener();
  };
  const read = () => {
    if (location.hash !== fragment) {
      fragment = location.hash;
      view = parseFragment(fragment, defaults);
    }
    tell();
  };
  const canUndo = () => stepsOf(history.state) > 0;
  window.addEventListener('popstate', () => {
    read();
    goingBack = canUndo() ? Math.max(0, goingBack - 1) : 0;
    if (goingBack > 0) history.back();
  });
  window.addEventListener('hashchange', read);

  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    view: () => view,
    change(next) {
      const text = formatFragment(next, defaults);
      if (text.length > MAX_FRAGMENT_LENGTH) {
        throw new Error(
          'These labels are too long for an address, which is where the page keeps them; shorten some.',
        );
      }
      const address = `${location.pathname}${location.search}${text === '' ? '' : `#${text}`}`;
      const steps = stepsOf(history.state);
      const isEdit = STEPS.some((part) => next[part] !== view[part]);
      // An edit that leaves the words as they are would be an undo that does nothing.
      const isStep = isEdit && text !== formatFragment(view, defaults);
      if (isStep) history.pushState({ steps: steps + 1 }, '', address);
      else history.replaceState(history.state, '', address);
      fragment = location.hash;
      view = next;
      tell();
    },
    canUndo,
    undo() {
      // One step further than this page's own would be another site.
      if (!canUndo()) return;
      goingBack += 1;
      if (goingBack === 1) history.back();
    },
  };
}

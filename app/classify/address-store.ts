// The view lives in the address; this is the one place that reads and writes it. Each edit of labels or templates is a
// step in the browser's history, so that undo is Back and redo is Forward, also after a reload. Sorting and filtering
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
  undo(): void;
}

/** Steps that this page has made in this tab's history up to the current one. */
const stepsOf = (state: unknown): number =>
  typeof state === 'object' && state !== null && 'steps' in state && typeof state.steps === 'number'
    ? state.steps
    : 0;

export function createAddressStore(defaults: View): AddressStore {
  const listeners = new Set<() => void>();
  let fragment = location.hash;
  let view = parseFragment(fragment, defaults);

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
  window.addEventListener('popstate', read);
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
      const isStep = next.labels !== view.labels || next.templates !== view.templates;
      if (isStep) history.pushState({ steps: steps + 1 }, '', address);
      else history.replaceState(history.state, '', address);
      fragment = location.hash;
      view = next;
      tell();
    },
    canUndo: () => stepsOf(history.state) > 0,
    undo: () => history.back(),
  };
}

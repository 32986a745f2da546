// Where the toasts are: on the page, or in the dialog that is open, because all that is outside of an open dialog can be
// neither pressed nor heard.

let host: Element | null = null;
const listeners = new Set<() => void>();

/** The `ref` of an empty element in a dialog: toasts are shown there for as long as it is. */
export function hostToasts(element: Element | null): void {
  host = element;
  for (const listener of listeners) listener();
}

export function subscribeToastHost(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Null: the page. */
export const currentToastHost = (): Element | null => host;

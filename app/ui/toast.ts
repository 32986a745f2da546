// Short messages at the edge of the screen: a store beside React, so that anything can say something.

export interface Toast {
  readonly id: number;
  readonly kind: 'note' | 'problem';
  readonly message: string;
  readonly action: { readonly name: string; readonly run: () => void } | null;
  /** One that does not leave by itself. */
  readonly stays: boolean;
}

/** Long enough to be read and answered (WCAG asks that it can be held: hover and focus do). */
export const TOAST_MS = 8_000;
const MOST = 4;

let toasts: readonly Toast[] = [];
let next = 0;
const listeners = new Set<() => void>();

const set = (value: readonly Toast[]) => {
  toasts = value;
  for (const listener of listeners) listener();
};

export function toast(message: string, options: Partial<Omit<Toast, 'id' | 'message'>> = {}): void {
  const others = toasts.filter((other) => other.message !== message);
  set([
    ...others.slice(1 - MOST),
    { kind: 'note', action: null, stays: false, ...options, id: next++, message },
  ]);
}

export function dismissToast(id: number): void {
  set(toasts.filter((other) => other.id !== id));
}

export function subscribeToasts(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const currentToasts = (): readonly Toast[] => toasts;

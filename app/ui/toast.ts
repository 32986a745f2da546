// Short messages at the edge of the screen: a store beside React, so that anything can say something.

export interface Toast {
  readonly id: number;
  readonly kind: 'note' | 'problem';
  readonly message: string;
  readonly action: { readonly name: string; readonly run: () => void } | null;
  /** One that does not leave by itself. */
  readonly stays: boolean;
}

/** Long enough to be read (WCAG asks that it can be held: hover and focus do). */
const READ_MS = 8_000;
/** Long enough to be read, reached by keyboard and answered. */
const ANSWER_MS = 20_000;
const MOST = 4;

/** How long it is there while nobody holds it; null for one that does not leave by itself. */
export function toastMs({ stays, action }: Toast): number | null {
  if (stays) return null;
  return action === null ? READ_MS : ANSWER_MS;
}

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
    ...(others.length < MOST ? others : withoutLeast(others)),
    { kind: 'note', action: null, stays: false, ...options, id: next++, message },
  ]);
}

/** Makes room: what only says something goes before what offers something, what would leave by itself before what stays. */
function withoutLeast(list: readonly Toast[]): readonly Toast[] {
  const worth = ({ action, stays }: Toast) => (action === null ? 0 : 2) + (stays ? 1 : 0);
  const least = Math.min(...list.map(worth));
  const goes = list.find((one) => worth(one) === least);
  return list.filter((one) => one !== goes);
}

export function dismissToast(id: number): void {
  set(toasts.filter((other) => other.id !== id));
}

export function subscribeToasts(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const currentToasts = (): readonly Toast[] => toasts;

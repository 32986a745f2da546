// Long loops on the page's thread, cut into slices so that a frame is never missed.

import { SLICE_MS } from './limits.ts';

/** Does `work` for each item in order, giving the thread back every few milliseconds; ends early after an abort. */
export async function inSlices<Item>(
  items: Iterable<Item>,
  work: (item: Item) => void,
  options: { readonly signal?: AbortSignal; readonly afterSlice?: () => void } = {},
): Promise<void> {
  let began = performance.now();
  for (const item of items) {
    if (options.signal?.aborted) return;
    if (performance.now() - began >= SLICE_MS) {
      options.afterSlice?.();
      await turnOfTheEventLoop();
      if (options.signal?.aborted) return;
      began = performance.now();
    }
    work(item);
  }
  options.afterSlice?.();
}

/** Lets input events and frames in. */
function turnOfTheEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

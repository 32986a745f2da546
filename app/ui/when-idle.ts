// Work that can wait until the page has nothing else to do.

/** For browsers that do not tell when they are idle. */
const LATER_MS = 2_000;

/** Returns the function that calls it off. */
export function whenIdle(work: () => void): () => void {
  if (typeof requestIdleCallback !== 'function') {
    const timer = setTimeout(work, LATER_MS);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(work);
  return () => cancelIdleCallback(handle);
}

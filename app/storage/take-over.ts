/** What the page says to a service worker that waits: replace the one in charge. */
export const TAKE_OVER = 'take-over';

/** What the page says to a service worker that waits: replace the one in charge. */
export const TAKE_OVER = 'take-over';
/** … to the one in charge: answer for this page too, which was opened before there was one. */
export const ANSWER = 'answer';

// What the page sends its inference worker to encode: photographs by name and prompts, in order. Read off the messages
// themselves, so that it holds whatever the page says of itself.

import type { Page } from '@playwright/test';

export interface Encoded {
  readonly photographs: readonly string[];
  readonly prompts: readonly string[];
}

declare global {
  interface Window {
    encoded: { photographs: string[]; prompts: string[] };
  }
}

/** Call before the page is opened. The returned function tells what was sent since it was called last. */
export async function watchWorker(page: Page): Promise<() => Promise<Encoded>> {
  await page.addInitScript(() => {
    window.encoded = { photographs: [], prompts: [] };
    const send: (message: unknown, transfer: Transferable[]) => void = Worker.prototype.postMessage;
    // comlink always names what is handed over.
    Worker.prototype.postMessage = function (message, transfer) {
      // comlink's form of a call: its path, and its arguments each in an envelope.
      const call = message?.path?.[0];
      const argument = (index: number) => message.argumentList[index].value;
      if (call === 'embedImage') window.encoded.photographs.push(argument(2));
      if (call === 'embedPrompts') window.encoded.prompts.push(...argument(1));
      send.call(this, message, transfer as Transferable[]);
    };
  });
  return () =>
    page.evaluate(() => {
      const { encoded } = window;
      window.encoded = { photographs: [], prompts: [] };
      return encoded;
    });
}

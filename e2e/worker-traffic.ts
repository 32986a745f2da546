// What the inference worker encodes: photographs by name as the page sends them, and prompts as the worker says that it ran the
// model for them. Read off the messages themselves, so that it holds whatever the page says of itself.

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
      send.call(this, message, transfer as Transferable[]);
    };
    // Every worker's answers pass here before whoever waits for them.
    const listen = Worker.prototype.addEventListener;
    const heard = new WeakSet<Worker>();
    Worker.prototype.addEventListener = function (this: Worker, ...args: Parameters<typeof listen>) {
      if (!heard.has(this)) {
        heard.add(this);
        listen.call(this, 'message', (event) => {
          const { encoded } = (event as MessageEvent).data?.value ?? {};
          if (Array.isArray(encoded)) window.encoded.prompts.push(...encoded);
        });
      }
      listen.apply(this, args);
    } as typeof listen;
  });
  return () =>
    page.evaluate(() => {
      const { encoded } = window;
      window.encoded = { photographs: [], prompts: [] };
      return encoded;
    });
}

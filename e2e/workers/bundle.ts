// A worker of a few lines, bundled with the product's own modules, for what the built page does not show: single functions in
// a real browser, tested (e2e/) and timed (bench/).

import type { Page } from '@playwright/test';
import { build } from 'vite';

/** Nothing answers there but what `openWorker` puts in place. */
const ORIGIN = 'http://worker.test';

/** Sends the worker a message and waits for its answer; one at a time. */
export type Ask<Question, Answer> = (question: Question) => Promise<Answer>;

declare global {
  interface Window {
    /** Of the page that `openWorker` opens. */
    askWorker(question: unknown): Promise<unknown>;
  }
}

/**
 * Opens an empty page with one worker made of `entry`, which is to answer each message with one message. `files` are what the
 * worker can fetch, by path.
 */
export async function openWorker<Question, Answer>(
  page: Page,
  entry: URL,
  files: Record<string, Uint8Array> = {},
): Promise<Ask<Question, Answer>> {
  const script = await bundle(entry);
  await page.route(`${ORIGIN}/**`, async (route) => {
    const path = new URL(route.request().url()).pathname;
    if (path === '/') return route.fulfill({ contentType: 'text/html', body: '<!doctype html>' });
    if (path === '/worker.js') return route.fulfill({ contentType: 'text/javascript', body: script });
    const file = files[path];
    return file ? route.fulfill({ body: Buffer.from(file) }) : route.fulfill({ status: 404 });
  });
  await page.goto(`${ORIGIN}/`);
  await page.evaluate(() => {
    const worker = new Worker('/worker.js', { type: 'module' });
    window.askWorker = (question) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage(question);
      });
  });
  return async (question) => (await page.evaluate((q: unknown) => window.askWorker(q), question)) as Answer;
}

async function bundle(entry: URL): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    build: { write: false, rolldownOptions: { input: entry.pathname, output: { format: 'es' } } },
  });
  if (!('output' in built)) throw new Error(`${entry.pathname} was not built into one script.`);
  return built.output[0].code;
}

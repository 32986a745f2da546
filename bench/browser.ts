// Pages of both sides in one Chromium. Every page has a browser context of its own, which begins with nothing stored and
// nothing cached.

import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test';

/** Memory is measured at once instead of at the next large garbage collection, up to 20 s later. */
const EAGER_MEMORY = '--enable-blink-features=ForceEagerMeasureMemory';

/**
 * Playwright is a debugger, and with one V8 parses a whole script anew to know where an Error was made. React makes some when it
 * is evaluated: half of that task would be nothing that a visitor's browser does.
 */
const KNOWN_POSITIONS = '--js-flags=--no-enable-lazy-source-positions';

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH,
    args: [
      EAGER_MEMORY,
      KNOWN_POSITIONS,
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A new context starts processes, which take 0.4 s of the processor; a visitor's browser was open before. */
const SETTLE_MS = 1_000;

/** What the benchmark reads in a table must not come from a page that failed quietly. */
export async function openPage(
  browser: Browser,
  address: string,
  prepare: (context: BrowserContext) => Promise<unknown> = async () => {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await prepare(context);
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`${address}: ${error.message}`));
  await page.waitForTimeout(SETTLE_MS);
  await page.goto(address);
  return page;
}

/** Opens a page anew, in a context of its own, for as long as `use` takes. */
export async function withPage<T>(
  browser: Browser,
  address: string,
  use: (page: Page) => Promise<T>,
): Promise<T> {
  const page = await openPage(browser, address);
  try {
    return await use(page);
  } finally {
    await page.context().close();
  }
}

/** One of the two pages' addresses with what it is asked to do at once. */
export function withSearch(
  address: string,
  search: Readonly<Record<string, string | readonly string[]>>,
): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(search)) {
    for (const each of typeof value === 'string' ? [value] : value) url.searchParams.append(name, each);
  }
  return url.href;
}

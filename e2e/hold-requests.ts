import type { BrowserContext, Page } from '@playwright/test';

/** Keeps requests from their server until the returned function is called. */
export async function holdRequests(where: BrowserContext | Page, addresses: string): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await where.route(addresses, async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

// Plain static hosting under a sub-path, without a header of ours.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { chromium } from '@playwright/test';
import { wasmThreads } from '../app/inference/plan.ts';
import securityHeaders from '../app/security-headers.json' with { type: 'json' };
import { serve } from '../scripts/serve.mjs';
import { Promptlens } from './promptlens.ts';
import { smallPictures } from './site/pictures.ts';
import { addresses, ownSite, PLAIN_PREFIX } from './site/site.ts';
import { expect, test } from './test.ts';

const LABELS = ['cat', 'dog', 'owl'];

test('the service worker isolates the page: threads, and the policy for the workers', async ({ page }) => {
  const app = new Promptlens(page, addresses().plain);
  // Where installing takes over five seconds, as on a busy test machine, the page starts with one thread and has more at the next
  // visit. Here it is to wait.
  await page.addInitScript(() => {
    const set = window.setTimeout;
    Object.assign(window, {
      setTimeout: (work: () => void, ms?: number) => set(work, ms === 5_000 ? 60_000 : ms),
    });
  });
  const first = page.waitForResponse(`${app.site}**`);
  const opened = app.open({ labels: LABELS });
  expect((await first).headers()['cross-origin-opener-policy']).toBeUndefined();
  await opened;
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await expect(app.machine).toContainText(`WASM, ${wasmThreads(availableParallelism())} threads`);
  const [worker] = page.workers();
  const policy = (url: string) => fetch(url).then(({ headers }) => headers.get('content-security-policy'));
  expect(await worker.evaluate(policy, worker.url())).toBe(securityHeaders['Content-Security-Policy']);

  await app.add(await smallPictures(2));
  await app.ranked(2, LABELS.length);
  await page.reload();
  await app.ready();
  await app.ranked(2, LABELS.length);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
});

test('without a service worker it works with one thread', async ({ page }) => {
  const root = await ownSite('no-service-worker');
  await rm(`${root}/service-worker.js`);
  const server = await serve({ root, port: 0, prefix: PLAIN_PREFIX, isolation: false });
  const app = new Promptlens(page, server.url);
  await app.open({ labels: LABELS });
  await expect(app.machine).toContainText('WASM, 1 thread');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  await app.add(await smallPictures(2));
  await app.ranked(2, LABELS.length);
  await page.reload();
  await app.ready();
  await app.ranked(2, LABELS.length);
  await server.close();
});

test('where the browser lets the page keep nothing at all, it works for the visit', async ({
  launchOptions,
  watch,
}, testInfo) => {
  // The visitor blocked this site's data: no service worker, no storage of any kind.
  const profile = testInfo.outputPath('profile');
  await mkdir(testInfo.outputPath('profile/Default'), { recursive: true });
  await writeFile(
    testInfo.outputPath('profile/Default/Preferences'),
    JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }),
  );
  const context = await chromium.launchPersistentContext(profile, launchOptions);
  watch(context);
  const [page = await context.newPage()] = context.pages();
  const app = new Promptlens(page, addresses().plain);
  await app.open({ labels: LABELS });
  await expect(app.machine).toContainText('WASM, 1 thread');
  await app.add(await smallPictures(2));
  await expect(app.toasts.getByText('did not let the page store anything')).toBeVisible();
  await app.ranked(2, LABELS.length);
  await app.labels.type('boat');
  await app.ranked(2, LABELS.length + 1);
  await context.close();
});

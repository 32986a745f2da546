// Plain static hosting under a sub-path, without a header of ours.

import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { chromium, type Page } from '@playwright/test';
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

/** Lets the page have its service worker only when its window is called so, and stores photographs slowly. */
async function holdServiceWorker(page: Page): Promise<() => Promise<void>> {
  await page.addInitScript(() => {
    const set = window.setTimeout;
    const { register } = ServiceWorkerContainer.prototype;
    const { digest } = SubtleCrypto.prototype;
    const pause = (ms: number) => new Promise((resolve) => set(resolve, ms));
    Object.assign(window, {
      setTimeout: (work: () => void, ms?: number) => set(work, ms === 5_000 ? 60_000 : ms),
    });
    ServiceWorkerContainer.prototype.register = async function (...script) {
      while (window.name !== 'register') await pause(50);
      return register.apply(this, script);
    };
    SubtleCrypto.prototype.digest = async function (...data) {
      await pause(700);
      return digest.apply(this, data);
    };
  });
  return () =>
    page.evaluate(() => {
      window.name = 'register';
    });
}

test('the page is reloaded for its threads only when what was added is stored', async ({ page }) => {
  const app = new Promptlens(page, addresses().plain);
  const letRegister = await holdServiceWorker(page);
  await page.goto(app.address({ labels: LABELS }));
  await app.add(await smallPictures(8));
  await expect(page.getByRole('heading', { name: '8 photographs' })).toBeVisible();
  const reloaded = page.waitForEvent('load');
  await letRegister();
  await reloaded;
  await app.ready();
  await app.ranked(8, LABELS.length);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
});

test('a page whose photographs cannot be kept is not reloaded by itself, and says what an update costs', async ({
  page,
}) => {
  const root = await ownSite('not-kept');
  const server = await serve({ root, port: 0, isolation: false });
  const app = new Promptlens(page, server.url);
  const letRegister = await holdServiceWorker(page);
  await page.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('The visitor blocked it.', 'SecurityError');
    };
  });
  await page.goto(app.address({ labels: LABELS }));
  await app.add(await smallPictures(2));
  await expect(app.toasts.getByText('did not let the page store anything')).toBeVisible();
  await letRegister();
  await app.ready();
  await app.ranked(2, LABELS.length);
  await expect(app.machine).toContainText('WASM, 1 thread');

  await appendFile(`${root}/service-worker.js`, '\n// The next version.\n');
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
  const offer = app.toasts.locator('.toast').filter({ hasText: 'A new version of Promptlens is ready.' });
  await expect(offer).toContainText('Some of your photographs are not kept on this device');
  await expect(page.getByRole('heading', { name: '2 photographs' })).toBeVisible();
  const reloaded = page.waitForEvent('load');
  await offer.getByRole('button', { name: 'Reload' }).click();
  await reloaded;
  await expect(page.getByRole('heading', { name: 'Example photographs' })).toBeVisible();
  await server.close();
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

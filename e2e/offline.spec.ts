// One visit is enough: afterwards the site opens and works where nothing answers any more.

import { serve } from '../scripts/serve.mjs';
import { holdRequests } from './hold-requests.ts';
import { Models } from './models-list.ts';
import { EXAMPLES, Promptlens } from './promptlens.ts';
import { TINY } from './site/models.ts';
import { smallPictures } from './site/pictures.ts';
import { addresses, SITE } from './site/site.ts';
import { expect, test } from './test.ts';
import { watchWorker } from './worker-traffic.ts';

const LABELS = ['a red bus', 'café', '$&'];
const TEMPLATE = 'a dark, blurry photo of a {}.';

test('photographs, labels, model and runtime are there with the network off, and new pictures are ranked', async ({
  page,
  context,
}) => {
  const server = await serve({ root: SITE, port: 0 });
  const app = new Promptlens(page, server.url);
  await app.open({ labels: LABELS, templates: [TEMPLATE] });
  await app.add(await smallPictures(3));
  await app.ranked(3, LABELS.length);
  const before = await app.exportedJson();
  await app.keptOffline();
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));

  await server.close();
  await context.setOffline(true);
  await page.reload();
  await app.ready();
  await app.ranked(3, LABELS.length);
  await app.labels.expectToBe(LABELS);
  await expect(page.getByRole('group').filter({ hasText: 'Templates' })).toContainText(TEMPLATE);
  expect(await app.exportedJson()).toEqual(before);

  await app.add(await smallPictures(1, 77));
  await app.ranked(4, LABELS.length);
  await app.labels.type('a boat');
  await app.ranked(4, LABELS.length + 1);
  expect((await app.bars('picture-003.jpg')).length).toBe(3);
  // What a first visit shows is kept too.
  await page.getByRole('button', { name: 'Remove all photographs' }).click();
  await app.ranked(EXAMPLES.photographs, LABELS.length + 1);
});

test('two precisions of a model, side by side, are both there with the network off', async ({
  page,
  context,
}) => {
  const server = await serve({ root: SITE, port: 0 });
  const app = new Promptlens(page, server.url);
  await app.open({ labels: LABELS });
  await app.add(await smallPictures(2));
  await app.ranked(2, LABELS.length);
  const models = new Models(page);
  await models.open();
  await models.compare(TINY, 'fp32');
  await models.close();
  const beside = page.getByRole('region', { name: 'The model beside' });
  const bothRank = async () => {
    await app.ready();
    await expect(app.machine).toContainText(/q8.*WASM/);
    await expect(beside).toContainText(/tiny, fp32 on WASM.*for \d of 2 photographs/);
  };
  await bothRank();
  // A worker holds a lock until its files are kept.
  await expect.poll(() => page.evaluate(async () => (await navigator.locks.query()).held?.length)).toBe(0);
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));

  await server.close();
  await context.setOffline(true);
  await page.reload();
  await bothRank();
});

test('a server that is out of order is as good as one that is gone', async ({ app, page, context }) => {
  await app.open({ labels: LABELS });
  await app.ranked(EXAMPLES.photographs, LABELS.length);
  await app.keptOffline();
  let asked = 0;
  await context.route('**/models/**', (route) => {
    asked += 1;
    return route.fulfill({ status: 503 });
  });
  await page.reload();
  await app.ready();
  await app.ranked(EXAMPLES.photographs, LABELS.length);
  expect(asked).toBe(1);
});

test('what was ranked before is ranked again while the model still loads', async ({ app, page, context }) => {
  const encoded = await watchWorker(page);
  await app.open({ labels: LABELS });
  await app.add(await smallPictures(2));
  await app.ranked(2, LABELS.length);
  const before = await app.bars('picture-001.jpg');
  await app.keptOffline();

  await page.evaluate(() => caches.delete('promptlens-files'));
  const release = await holdRequests(context, '**/*.onnx');
  await page.reload();
  await app.ranked(2, LABELS.length);
  expect(await app.bars('picture-001.jpg')).toEqual(before);
  await expect(page.getByRole('progressbar', { name: 'Loading the model' })).toBeVisible();
  expect(await encoded()).toEqual({ photographs: [], prompts: [] });

  // What is new waits for the model.
  await app.labels.type('a boat');
  await app.add(await smallPictures(1, 77));
  await expect(app.photographs.getByRole('article')).toHaveCount(3);
  release();
  await app.ready();
  await app.ranked(3, LABELS.length + 1);
});

test('can be installed, under whatever path', async ({ page, context }) => {
  const app = new Promptlens(page, addresses().plain);
  await app.open();
  const session = await context.newCDPSession(page);
  const { errors, data = '', url } = await session.send('Page.getAppManifest');
  expect(errors).toEqual([]);
  const manifest: { icons: { src: string; sizes: string; purpose?: string }[]; start_url: string } =
    JSON.parse(data);
  expect(new URL(manifest.start_url, url).href).toBe(app.site);
  expect(manifest.icons.some(({ purpose }) => purpose === 'maskable')).toBe(true);
  for (const { src } of manifest.icons) {
    expect((await page.request.get(new URL(src, url).href)).headers()['content-type']).toContain('image/');
  }
  // A relative id would be resolved against the origin: two pages under one host would be one app.
  expect((await session.send('Page.getAppId')).appId).toBe(app.site);
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  // Playwright's contexts are private windows, from which nothing can be installed.
  expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([]);
});

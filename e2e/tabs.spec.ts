// Several tabs, and several versions of the site, at the same time.

import { appendFile } from 'node:fs/promises';
import { serve } from '../scripts/serve.mjs';
import { Promptlens } from './promptlens.ts';
import { smallPictures } from './site/pictures.ts';
import { ownSite } from './site/site.ts';
import { expect, test } from './test.ts';

const LABELS = ['cat', 'dog', 'owl'];

test('two tabs at once share photographs and keep their own labels', async ({ app, page, context }) => {
  const other = new Promptlens(await context.newPage(), app.site);
  await Promise.all([app.open({ labels: LABELS }), other.open({ labels: ['forest'] })]);
  const [one, two, three] = await smallPictures(3);
  await Promise.all([app.add([one]), other.add([two])]);
  await Promise.all([app.ranked(2, 3), other.ranked(2, 1)]);
  await app.add([three]);
  await other.ranked(3, 1);
  await app.labels.type('boat');
  await app.ranked(3, 4);
  await other.labels.expectToBe(['forest']);

  await other.opener(one.name).click();
  await other.page.getByRole('button', { name: 'Remove this photograph' }).click();
  await other.page.keyboard.press('Escape');
  await app.ranked(2, 4);
  expect((await app.shownNames()).toSorted()).toEqual([two.name, three.name]);

  await page.getByRole('button', { name: 'Remove all photographs' }).click();
  await expect(other.page.getByRole('heading', { name: 'Example photographs' })).toBeVisible();
  await page.close();
  await other.add([one]);
  await other.ranked(1, 1);
});

test('a new version of the site is offered, not forced, and costs nothing', async ({ page, context }) => {
  const root = await ownSite('update');
  const server = await serve({ root, port: 0 });
  const app = new Promptlens(page, server.url);
  await app.open({ labels: LABELS });
  await app.add(await smallPictures(2));
  await app.ranked(2, LABELS.length);
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await page.evaluate(() => {
    window.name = 'before the update';
  });
  const offer = app.toasts.filter({ hasText: 'A new version of Promptlens is ready.' });
  await expect(offer).toHaveCount(0);

  await appendFile(`${root}/service-worker.js`, '\n// The next version.\n');
  const other = new Promptlens(await context.newPage(), server.url);
  await other.open({ labels: ['forest'] });
  await expect(offer).toBeVisible();
  // The page that is open goes on as it is: its photographs, its words, its worker.
  await app.labels.type('boat');
  await app.ranked(2, LABELS.length + 1);
  const waiting = () =>
    page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting?.state ?? null);
  expect(await waiting()).toBe('installed');

  const reloaded = page.waitForEvent('load');
  await offer.getByRole('button', { name: 'Reload' }).click();
  await reloaded;
  await app.ready();
  await app.ranked(2, LABELS.length + 1);
  await app.labels.expectToBe([...LABELS, 'boat']);
  expect(await waiting()).toBeNull();
  await expect(offer).toHaveCount(0);
  // The other tab was not reloaded with it, and works on.
  await other.labels.expectToBe(['forest']);
  await other.labels.type('cat');
  await other.ranked(2, 2);
  await server.close();
});

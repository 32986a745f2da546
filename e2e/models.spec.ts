// The list of models: what is served, what is kept, and what can be had from elsewhere.

import { Models } from './models-list.ts';
import {
  askedRanges,
  BUSY,
  CUT_OFF,
  ON_HUB,
  SHORT,
  SIGN_IN,
  STUCK,
  serveHub,
  WRONG_HASH,
} from './site/hub.ts';
import { DAMAGED_ON_GPU, TINY } from './site/models.ts';
import { photographs } from './site/pictures.ts';
import { addresses, SITE } from './site/site.ts';
import { expect, test } from './test.ts';

test('a model comes from the hub, is used, works without the network, and is deleted', async ({
  app,
  page,
  context,
}) => {
  const { paths, labels } = await photographs(4);
  await app.open({ labels });
  await app.add(paths);
  await app.ranked(4, labels.length);

  const models = new Models(page);
  await models.open();
  await models.add(ON_HUB);
  const row = models.row(ON_HUB);
  await expect(row).toContainText('mit', { timeout: 20_000 });
  await row.getByRole('button', { name: 'Use' }).click();
  await expect(row).toContainText('In use, q8', { timeout: 30_000 });
  await models.close();
  await expect(app.machine).toContainText('no self-test');
  await app.ranked(4, labels.length);

  await context.setOffline(true);
  await page.reload();
  await expect(app.machine).toContainText('no self-test', { timeout: 30_000 });
  await app.ranked(4, labels.length);
  await context.setOffline(false);

  await models.open();
  await models.remove(ON_HUB);
  await expect(models.dialog.getByRole('status')).toContainText(/is deleted: .* are free again/);
  // What was in use is gone: the site's own takes its place.
  await models.close();
  await app.ready();
});

test('a download that is cut off goes on where it was', async ({ app, page }) => {
  await app.open();
  const models = new Models(page);
  await models.open();
  await models.add(CUT_OFF);
  await expect(models.row(CUT_OFF).getByRole('button', { name: 'Use' })).toBeVisible({ timeout: 60_000 });
});

test('a download can be cancelled, gone on with in another visit, and is then whole', async ({
  app,
  page,
}) => {
  await app.open();
  const models = new Models(page);
  await models.open();
  await models.add(STUCK);
  await expect(models.row(STUCK)).toContainText(/\d kB of [\d.]+ (?:kB|MB)/);
  const bar = models.row(STUCK).getByRole('progressbar');
  // The descriptions are a fourteenth of it, with the half of an encoder that comes it is more than a quarter.
  await expect.poll(() => bar.evaluate((each: HTMLProgressElement) => each.position)).toBeGreaterThan(0.2);
  await models.row(STUCK).getByRole('button', { name: 'Cancel' }).click();
  await expect(models.row(STUCK)).toContainText('Not whole');

  await page.reload();
  await app.ready();
  await models.open();
  const asked = () => askedRanges(addresses().hub, STUCK, 'onnx/vision_model_quantized.onnx');
  const before = await asked();
  await models.row(STUCK).getByRole('button', { name: 'Go on' }).click();
  await expect(models.row(STUCK).getByRole('button', { name: 'Use' })).toBeVisible();
  // Behind what had come, at the first attempt.
  expect((await asked()).slice(before.length)).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
});

for (const [model, reason] of [
  [WRONG_HASH, /was refused: its SHA-256 is .*, the server publishes/],
  [SIGN_IN, /answered with a web page/],
  [BUSY, /answered 503.*try again later/],
  [SHORT, /was cut off after \d+ of \d+ bytes/],
  ['tests/unknown', /answered 404/],
] as const) {
  test(`${model} is refused with the reason, and nothing of it can be used`, async ({ app, page }) => {
    await app.open();
    const models = new Models(page);
    await models.open();
    await models.add(model);
    await expect(models.row(model).getByRole('alert')).toContainText(reason, { timeout: 60_000 });
    await models.row(model).getByRole('button', { name: 'Close' }).click();
    await expect(models.dialog.getByRole('button', { name: 'Use', exact: true })).toHaveCount(0);
  });
}

test('a folder of this device becomes a model; one that is none is refused', async ({ app, page }) => {
  await app.open();
  const models = new Models(page);
  await models.open();
  const pick = async (folder: string) => {
    const chooser = page.waitForEvent('filechooser');
    await models.dialog.getByRole('button', { name: 'Pick a folder' }).click();
    await (await chooser).setFiles(folder);
  };
  await pick(`${SITE}/icons`);
  await expect(models.dialog.getByRole('status')).toContainText('is no model folder');
  await pick(`${SITE}/models/${TINY}`);
  await expect(models.row(TINY)).toBeVisible();
  const row = models.row(TINY);
  await row.getByRole('combobox', { name: 'Precision' }).selectOption('fp32');
  await row.getByRole('button', { name: 'Use' }).click();
  await expect(row).toContainText('In use, fp32', { timeout: 30_000 });
});

test('a folder that is dropped on the list becomes a model, not photographs', async ({ app, page }) => {
  await app.open();
  const models = new Models(page);
  await models.open();
  const zone = models.dialog.getByText('Drop a model folder here');
  await zone.scrollIntoViewIfNeeded();
  const box = await zone.boundingBox();
  if (box === null) throw new Error('There is nothing to drop a folder on.');
  await app.drop([`${SITE}/models/${TINY}`], { x: box.x + 5, y: box.y + 5 });
  await expect(models.row(TINY).getByRole('button', { name: 'Use' })).toBeVisible();
  await models.close();
  await expect(page.getByRole('heading', { name: 'Example photographs' })).toBeVisible();
});

test('two models stand side by side on the same photographs', async ({ app, page }) => {
  const { paths, names, labels } = await photographs(3);
  await app.open({ labels });
  await app.add(paths);
  await app.ranked(3, labels.length);
  const models = new Models(page);
  await models.open();
  await models.compare(TINY, 'fp32');
  await models.close();

  const beside = page.getByRole('region', { name: 'The model beside' });
  await expect(beside).toContainText(/tiny, fp32 on WASM.*the same label is best for \d of 3 photographs/, {
    timeout: 30_000,
  });
  const card = app.card(names[0]);
  await expect(card.getByRole('list')).toHaveCount(2);
  await expect(card).toContainText('tiny, q8');
  await expect(card).toContainText('tiny, fp32');

  await beside.getByRole('button', { name: 'One model alone' }).click();
  await expect(card.getByRole('list')).toHaveCount(1);
});

test('a folder’s address does as well as a hub’s name', async ({ app, page }) => {
  const other = await serveHub(`${SITE}/models/${TINY}`);
  await app.open();
  const models = new Models(page);
  await models.open();
  await models.add(`${other.url}/${ON_HUB}/resolve/main`);
  const row = models.row('/main');
  await row.getByRole('button', { name: 'Use' }).click({ timeout: 30_000 });
  await expect(row).toContainText('In use, q8', { timeout: 30_000 });
  await expect(row).toContainText('mit');
  await other.close();
});

test('two revisions of a model are told apart by their names', async ({ app, page }) => {
  await app.open();
  const models = new Models(page);
  await models.open();
  const other = `${ON_HUB}@refs%2Fpr%2F1`;
  await models.add(ON_HUB);
  await models.add(`${addresses().hub}/${ON_HUB}/tree/refs%2Fpr%2F1`);
  const row = models.dialog.getByRole('listitem', { name: other, exact: true });
  await row.getByRole('button', { name: 'Use' }).click();
  await expect(row).toContainText('In use, q8');
  const plain = models.dialog.getByRole('listitem', { name: ON_HUB, exact: true });
  await expect(plain.getByRole('button', { name: 'Use' })).toBeEnabled();
  await plain.getByRole('button', { name: 'Compare' }).click();
  await models.close();
  await expect(app.machine).toContainText('tiny@refs%2Fpr%2F1');
  const beside = page.getByRole('region', { name: 'The model beside' });
  await expect(beside).toContainText('Beside it: tiny, q8');

  // The site has one of the same short name, too.
  await models.open();
  await models.row(TINY, 'site').getByRole('button', { name: 'Use' }).click();
  await models.close();
  await expect(beside).toContainText(`Beside it: ${ON_HUB}, q8`);
});

test('a precision that computes wrongly is marked, and the next one takes its place', async ({
  app,
  page,
}) => {
  const { paths, labels } = await photographs(2);
  // Its fp32 fails the self-test.
  await page.goto(`${app.address({ model: DAMAGED_ON_GPU, labels })}&precision=fp32&model=${DAMAGED_ON_GPU}`);
  await app.ready();
  await expect(app.machine).toContainText('q8');
  await app.add(paths);
  await app.ranked(2, labels.length);
  const models = new Models(page);
  await expect(async () => {
    await page.keyboard.press('Escape');
    await models.open();
    const row = models.row(DAMAGED_ON_GPU, 'site');
    await expect(row).toContainText('fp32 was passed over on WASM: The weights are damaged', {
      timeout: 1_000,
    });
    await expect(row).toContainText(/a photograph here \(q8, WASM/);
  }).toPass({ timeout: 20_000 });
});

test('twenty switches end the worker of the model before each time', async ({ app, page }) => {
  const { paths, labels } = await photographs(2);
  await app.open({ labels });
  await app.add(paths);
  await app.ranked(2, labels.length);
  const before = page.workers().length;
  const models = new Models(page);
  await models.open();
  for (let i = 0; i < 20; i++) {
    const row = models.row(TINY, 'site');
    const precision = i % 2 === 0 ? 'fp32' : 'q8';
    await row.getByRole('combobox', { name: 'Precision' }).selectOption(precision);
    await row.getByRole('button', { name: 'Use', exact: true }).click();
    await expect(row).toContainText(`In use, ${precision}`, { timeout: 30_000 });
  }
  await models.close();
  await app.ranked(2, labels.length);
  await expect.poll(() => page.workers().length).toBe(before);
});

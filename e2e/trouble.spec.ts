// What goes wrong at a visitor's: each is told clearly, and nothing else is lost.

import { contentHash } from '../app/storage/content-hash.ts';
import { holdRequests } from './hold-requests.ts';
import { EXAMPLES, Promptlens } from './promptlens.ts';
import { ALTERED, DAMAGED, TINY_FP32, TRUNCATED } from './site/models.ts';
import { picture, smallPictures } from './site/pictures.ts';
import { expect, test } from './test.ts';

const LABELS = ['cat', 'dog', 'owl'];

test('a corrupt picture, a text file and a picture of over 100 megapixels', async ({ app, page }) => {
  const [good, other] = await smallPictures(2);
  const whole = await picture(5, 200, 150, 'jpeg');
  const wall = await picture(6, 20, 20, 'png');
  wall.writeUInt32BE(50_000, 16);
  wall.writeUInt32BE(2_001, 20);
  await app.open({ labels: LABELS });
  await app.add([
    good,
    { name: 'torn.jpg', mimeType: 'image/jpeg', buffer: whole.subarray(0, 700) },
    { name: 'notes.txt', mimeType: 'image/jpeg', buffer: Buffer.from('Dear Sir, we have') },
    { name: 'wall.png', mimeType: 'image/png', buffer: wall },
    other,
  ]);
  await expect(app.toasts.getByText('it is text that begins "Dear Sir, we have"')).toBeVisible();
  await expect(app.toasts.getByText('wall.png is too large: 50000 × 2001 pixels; at most 100')).toBeVisible();
  await expect(page.getByRole('heading', { name: '3 photographs' })).toBeVisible();
  await expect(page.getByText('1 could not be read', { exact: true })).toBeVisible();
  await expect(app.card('torn.jpg')).toContainText(
    'torn.jpg cannot be decoded: its header promises a JPEG of 200 × 150 pixels, but what follows is damaged',
  );
  await expect(app.card('torn.jpg').getByRole('button', { name: 'Try again' })).toBeVisible();
  for (const name of [good.name, other.name]) expect(await app.bars(name)).toHaveLength(3);
  const { photographs } = await app.exportedJson();
  expect(photographs.map(({ problem }) => problem !== undefined)).toEqual([false, true, false]);
});

test('files that were here already, and one picture twice under two names', async ({ app, page }) => {
  const files = await smallPictures(3);
  await app.open({ labels: LABELS });
  await app.add(files);
  await app.ranked(3, LABELS.length);
  await app.add([files[1], { ...files[2], name: 'the-same.jpg' }, ...(await smallPictures(1, 50))]);
  await expect(app.toasts.getByText('2 photographs were here already.')).toBeVisible();
  await app.ranked(4, LABELS.length);
  await expect(page.getByRole('heading', { name: '4 photographs' })).toBeVisible();
});

const DAMAGES = [
  {
    model: DAMAGED,
    what: 'weights that the manifest agrees with are caught by the self-test',
    says: /The weights are damaged, or of another export.*upload the model again.*cosine -?0\.\d{4}.*0\.999 is the least/,
  },
  {
    model: TRUNCATED,
    what: 'a file that was cut off',
    says: /onnx\/vision_model\.onnx is damaged: it has \d+ bytes where \d+ were expected.*Load the model again/,
  },
  {
    model: ALTERED,
    what: 'a file with one other byte',
    says: /onnx\/vision_model\.onnx is damaged: its SHA-256 is [\da-f]{64} where [\da-f]{64} was expected.*Load the model again/,
  },
  {
    model: 'not-there',
    what: 'a folder that is not on the server',
    says: /not-there\/manifest\.json.*could not be downloaded: the server answered 404/,
  },
] as const;

for (const { model, what, says } of DAMAGES) {
  test(`a damaged model: ${what}`, async ({ app, page }) => {
    await page.goto(app.address({ model, backend: 'wasm', labels: LABELS }));
    const alert = page.getByRole('alert');
    await expect(alert).toContainText(says);
    await expect(alert.getByRole('button', { name: 'Try again' })).toBeVisible();
    await app.labels.expectToBe(LABELS);
    await expect(app.card('dachshund.jpg')).toBeVisible();
  });
}

test('a model that is mended on the server loads at the next try', async ({ app, page, context }) => {
  // The first answer is cut off half-way, as by a lost connection.
  let broken = true;
  await context.route('**/models/tiny-fp32/onnx/vision_model.onnx', async (route) => {
    if (!broken) return route.continue();
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.body()).subarray(0, 5_000) });
  });
  await page.goto(app.address({ model: TINY_FP32, backend: 'wasm', labels: LABELS }));
  await expect(page.getByRole('alert')).toContainText('it has 5000 bytes where');
  broken = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await app.ready();
  await app.ranked(EXAMPLES.photographs, LABELS.length);
});

test('loading shows one progress with bytes', async ({ app, page, context }) => {
  const release = await holdRequests(context, '**/models/tiny/onnx/vision_model_quantized.onnx');
  await page.goto(app.address({ labels: LABELS }));
  const progress = app.machine.getByRole('progressbar', { name: 'Loading the model' });
  await expect(progress).toHaveAttribute('aria-valuenow', /^[1-9]\d?$/);
  await expect(app.machine).toContainText(/\d+(\.\d)? (kB|MB) of 1[45]\.\d MB/);
  await expect(app.card('dachshund.jpg')).toBeVisible();
  release();
  await app.ready();
  await expect(progress).toHaveCount(0);
});

test('example photographs that do not come are told of, and come at the next try', async ({
  app,
  page,
  context,
}) => {
  let broken = true;
  await context.route(/assets\/.*\.jpg$/, async (route) =>
    broken ? route.fulfill({ status: 503 }) : route.continue(),
  );
  await app.open({ labels: LABELS });
  const problem = app.toasts.locator('.toast').filter({ hasText: 'The example photographs did not come' });
  await expect(problem).toContainText('the server answered 503');
  await app.add(await smallPictures(1));
  await app.ranked(1, LABELS.length);
  await page.getByRole('button', { name: 'Remove all photographs' }).click();
  broken = false;
  await problem.getByRole('button', { name: 'Try again' }).first().click();
  await app.ranked(EXAMPLES.photographs, LABELS.length);
  await expect(app.card('dachshund.jpg')).toBeVisible();
});

test('photographs stay listed when the list cannot be read again', async ({ app, page, context }) => {
  await page.addInitScript(() => {
    const getAll = IDBObjectStore.prototype.getAll;
    IDBObjectStore.prototype.getAll = function (...query) {
      if (window.name === 'broken') throw new DOMException('The disk does not answer.', 'UnknownError');
      return getAll.apply(this, query);
    };
  });
  const files = await smallPictures(3);
  await app.open({ labels: LABELS });
  await app.add(files.slice(0, 2));
  await app.ranked(2, LABELS.length);
  await page.evaluate(() => {
    window.name = 'broken';
  });
  const other = new Promptlens(await context.newPage(), app.site);
  await other.open({ labels: LABELS });
  await other.add(files.slice(2));
  const problem = app.toasts
    .locator('.toast')
    .filter({ hasText: 'The list of photographs may be out of date' });
  await expect(problem).toContainText('The disk does not answer.');
  await expect(page.getByRole('heading', { name: '2 photographs' })).toBeVisible();
  await page.evaluate(() => {
    window.name = '';
  });
  await problem.getByRole('button', { name: 'Try again' }).click();
  await app.ranked(3, LABELS.length);
});

/** Leaves this origin `bytes` of room; null takes the limit away. */
async function limitStorage(app: Promptlens, bytes: number | null): Promise<void> {
  const session = await app.page.context().newCDPSession(app.page);
  const origin = new URL(app.site).origin;
  await session.send(
    'Storage.overrideQuotaForOrigin',
    bytes === null ? { origin } : { origin, quotaSize: bytes },
  );
}

test('a full disk costs the keeping of new photographs, not their ranking', async ({ app, page }) => {
  const [first, small] = await smallPictures(2);
  // More than there is beside the shell: Chromium goes by what was left half a minute ago, when the model was not kept yet. What
  // follows a JPEG's end is no part of the picture.
  const second = { ...small, buffer: Buffer.concat([small.buffer, Buffer.alloc(36_000_000)]) };
  await page.goto(`${app.site}icons/icon.svg`);
  await limitStorage(app, 36_000_000);
  await app.open({ labels: LABELS });
  await app.add([first]);
  await app.ranked(1, LABELS.length);
  await app.add([second]);
  await expect(
    app.toasts.getByText('There was no room left on this device to keep picture-002.jpg'),
  ).toBeVisible();
  await app.ranked(2, LABELS.length);
  await app.labels.type('a label that is new');
  await app.ranked(2, LABELS.length + 1);
  expect(await app.bars(second.name)).toHaveLength(3);

  await limitStorage(app, null);
  await page.reload();
  await app.ready();
  await app.ranked(1, LABELS.length + 1);
  await expect(page.getByRole('heading', { name: '1 photograph', exact: true })).toBeVisible();
  await app.add([second]);
  await app.ranked(2, LABELS.length + 1);
  const kept = (await app.exportedJson()).photographs.map(({ sha256 }) => sha256);
  const bytes = (file: Buffer) => new Uint8Array(file).buffer;
  expect(kept).toEqual([await contentHash(bytes(first.buffer)), await contentHash(bytes(second.buffer))]);
});

test('a device without room for the model runs it all the same', async ({ app, page }) => {
  await page.goto(`${app.site}icons/icon.svg`);
  await limitStorage(app, 1000);
  await app.open({ labels: LABELS });
  await app.ranked(EXAMPLES.photographs, LABELS.length);
  await page.getByRole('button', { name: /self-test passed/ }).click();
  await expect(page.getByText('There was no room to keep the model on this device')).toBeVisible();
});

test.describe('a part of the page that is not there any more', () => {
  // As after a new version: what the old one has not loaded yet is gone from the server and from the service worker.
  test.use({ serviceWorkers: 'block' });
  const PARTS = /\/(?:photo-table|photo-details|paste)-[^/]*\.js$/;

  test('is told with a way out, and the rest of the page stays', async ({ app, page }) => {
    await page.route(PARTS, (route) => route.fulfill({ status: 404 }));
    await app.open({ labels: LABELS });
    await app.opener('dachshund.jpg').click();
    const told = app.toasts.filter({ hasText: 'Details cannot be shown: it could not be loaded' });
    await expect(told.getByRole('button', { name: 'Reload' })).toBeVisible();
    await app.labels.expectToBe(LABELS);
    await page.getByRole('button', { name: 'Table' }).click();
    const alert = page.getByRole('main').getByRole('alert');
    await expect(alert).toContainText('The table cannot be shown: it could not be loaded');
    await page.getByRole('button', { name: 'Cards' }).click();
    await expect(app.card('dachshund.jpg')).toBeVisible();
    await page.getByRole('button', { name: 'Table' }).click();

    await page.unroute(PARTS);
    await alert.getByRole('button', { name: 'Reload' }).click();
    await expect(page.getByRole('table')).toBeVisible();
    await app.labels.expectToBe(LABELS);
  });

  test('is there already in a tab that is open', async ({ app, page }) => {
    const loaded = Promise.all(
      ['photo-table', 'photo-details', 'paste'].map((part) => page.waitForResponse(`**/${part}-*.js`)),
    );
    await app.open({ labels: LABELS });
    await loaded;
    await page.route(PARTS, (route) => route.fulfill({ status: 404 }));
    await app.opener('dachshund.jpg').click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Table' }).click();
    await expect(page.getByRole('table')).toBeVisible();
    await app.labels.type('boat');
    await app.labels.expectToBe([...LABELS, 'boat']);
  });
});

test('an error that nobody foresaw leaves a sentence and a way out, not an empty page', async ({
  app,
  page,
}) => {
  await app.open({ labels: LABELS });
  await page.evaluate(() => {
    Object.assign(Intl, { Collator: undefined });
  });
  await page.getByRole('combobox', { name: 'Sort' }).selectOption('Name');
  await expect(page.getByRole('alert')).toContainText('This page cannot be shown');
  await page.getByRole('button', { name: 'Reload' }).click();
  await app.ready();
  await app.labels.expectToBe(LABELS);
});

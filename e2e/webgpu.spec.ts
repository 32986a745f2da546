// WebGPU on Chromium's software adapter: what is taken, what is passed over and why, and a GPU that goes away.

import type { Browser } from '@playwright/test';
import { serve } from '../scripts/serve.mjs';
import { Models } from './models-list.ts';
import { EXAMPLES, Promptlens } from './promptlens.ts';
import { ON_HUB } from './site/hub.ts';
import { DAMAGED, DAMAGED_ON_GPU, TINY, TINY_FP32 } from './site/models.ts';
import { smallPictures } from './site/pictures.ts';
import { SITE } from './site/site.ts';
import { expect, needsAdapter, test } from './test.ts';

const LABELS = ['cat', 'dog', 'owl'];

test.beforeEach(({ app }) => needsAdapter(app));

async function loseGpu(browser: Browser): Promise<void> {
  const session = await browser.newBrowserCDPSession();
  // The answer may get lost with the process.
  void session.send('Browser.crashGpuProcess').catch(() => undefined);
}

/** In the page: a kept model's self-test asks for vectors in the opposite direction, and its manifest agrees. */
async function turnSelfTest(id: string): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const models = await root.getDirectoryHandle('models');
  const folder = await models.getDirectoryHandle(encodeURIComponent(id));
  const read = async (name: string) =>
    JSON.parse(await (await (await folder.getFileHandle(name)).getFile()).text());
  const write = async (name: string, value: unknown) => {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const file = await (await folder.getFileHandle(name)).createWritable();
    await file.write(bytes);
    await file.close();
    return bytes;
  };
  const selfTest = await read('selftest.json');
  for (const vectors of Object.values<Record<string, number[]>>(selfTest.vectors)) {
    for (const [name, vector] of Object.entries(vectors)) vectors[name] = vector.map((value) => -value);
  }
  const bytes = await write('selftest.json', selfTest);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const manifest = await read('manifest.json');
  for (const file of manifest.files) {
    if (file.path === 'selftest.json') Object.assign(file, { bytes: bytes.length, sha256 });
  }
  await write('manifest.json', manifest);
}

test('a software adapter is passed over unless it is asked for', async ({ app, page }) => {
  await app.open({ labels: LABELS });
  await expect(app.machine).toContainText('WASM');
  await page.getByRole('button', { name: /self-test passed/ }).click();
  await expect(page.getByRole('dialog', { name: 'What runs where' })).toContainText(
    /Passed over.*WebGPU, fp16.*is software, slower than WASM/,
  );
});

test('fp16 needs 16-bit shaders; without them fp32 runs', async ({ app, page }) => {
  await app.open({ model: TINY, softwareAdapter: true, labels: LABELS });
  await expect(app.machine).toContainText(/fp32.*WebGPU/);
  await app.ranked(EXAMPLES.photographs, LABELS.length);
  await page.getByRole('button', { name: /self-test passed/ }).click();
  const facts = page.getByRole('dialog', { name: 'What runs where' });
  await expect(facts).toContainText('WebGPU: google swiftshader');
  await expect(facts).toContainText(/Passed over.*fp16.*has no 16-bit shaders/);
  await expect(facts).toContainText(/Passed: cosine (0\.999|1\.000)/);
});

test('a hub’s model, which brings no self-test, gets one and is held to it', async ({ app, page }) => {
  await app.open({ softwareAdapter: true, labels: LABELS });
  const models = new Models(page);
  const facts = page.getByRole('dialog', { name: 'What runs where' });
  await models.open();
  await models.add(ON_HUB);
  await models.row(ON_HUB).getByRole('button', { name: 'Use' }).click({ timeout: 60_000 });
  await expect(models.row(ON_HUB)).toContainText('In use, q8');
  await models.close();
  await page.getByRole('button', { name: /no self-test/ }).click();
  await expect(facts).toContainText(/Passed over.*neither fp16 nor fp32 encoders. Add the model in one/);
  await page.keyboard.press('Escape');

  await models.open();
  await models.add(ON_HUB, 'fp32');
  await expect(models.row(ON_HUB).getByRole('option', { name: /^fp32/ })).toBeAttached({ timeout: 60_000 });
  await models.close();
  await page.reload();
  await app.ready();
  await expect(app.machine).toContainText(/fp32.*WebGPU/);
  await page.getByRole('button', { name: /self-test passed/ }).click();
  await expect(facts).toContainText(/Passed: cosine (0\.999|1\.000)\d* with what WebAssembly gave here\./);
  await app.ranked(EXAMPLES.photographs, LABELS.length);

  // A GPU that does not compute what WebAssembly did.
  await page.evaluate(turnSelfTest, ON_HUB);
  await page.reload();
  await expect(app.machine).toContainText(/q8.*WASM/, { timeout: 60_000 });
  await page.getByRole('button', { name: /no self-test/ }).click();
  await expect(facts).toContainText(/Passed over.*WebGPU, fp32.*computes wrongly/);
  await app.ranked(EXAMPLES.photographs, LABELS.length);
});

test('weights that only the self-test can tell are refused on every device', async ({ app, page }) => {
  await page.goto(app.address({ model: DAMAGED, softwareAdapter: true, labels: LABELS }));
  await expect(page.getByRole('alert')).toContainText(/computes wrongly.*weights are damaged/, {
    timeout: 60_000,
  });
});

test('a GPU that is lost costs a moment: the model goes on without it', async ({ app, page, browser }) => {
  await app.open({ model: TINY_FP32, softwareAdapter: true, labels: LABELS });
  await expect(app.machine).toContainText('WebGPU');
  await app.add(await smallPictures(3));
  await app.ranked(3, LABELS.length);
  const before = await app.exportedJson();

  await loseGpu(browser);
  await expect(app.toasts.getByText('The GPU stopped working for this page.')).toBeVisible();
  await expect(app.machine).toContainText(/fp32.*WASM/);
  await app.ready();
  await app.ranked(3, LABELS.length);
  await app.labels.expectToBe(LABELS);
  await app.add(await smallPictures(1, 60));
  await app.ranked(4, LABELS.length);
  await app.labels.type('boat');
  await app.ranked(4, LABELS.length + 1);
  const after = await app.exportedJson();
  expect(after.backend).toBe('wasm');
  for (const [i, { file, scores = [] }] of before.photographs.entries()) {
    expect(after.photographs[i].file).toBe(file);
    for (const [l, { cosine }] of scores.entries()) {
      expect(after.photographs[i].scores?.[l].cosine).toBeCloseTo(cosine, 3);
    }
  }
  await page.getByRole('button', { name: /self-test passed/ }).click();
  await expect(page.getByRole('dialog', { name: 'What runs where' })).toContainText(
    /Passed over.*WebGPU, fp32.*The GPU stopped working/,
  );
});

test('a GPU that is lost in the middle of ranking costs no photograph', async ({ app, page, browser }) => {
  await app.open({ model: TINY_FP32, softwareAdapter: true, labels: LABELS });
  await expect(app.machine).toContainText('WebGPU');
  await app.add(await smallPictures(150));
  const progress = page.getByRole('progressbar', { name: 'Photographs ranked' });
  await expect.poll(async () => Number(await progress.getAttribute('value'))).toBeGreaterThan(0);
  await loseGpu(browser);
  await expect(app.machine).toContainText(/fp32.*WASM/);
  await app.ready();
  await app.ranked(150, LABELS.length);
  const { photographs, backend } = await app.exportedJson();
  expect(backend).toBe('wasm');
  expect(photographs).toHaveLength(150);
  for (const { file, problem, scores } of photographs) {
    expect(problem, file).toBeUndefined();
    expect(scores, file).toHaveLength(LABELS.length);
  }
});

test('a GPU that failed the self-test is not asked again, and the page opens with the network off', async ({
  page,
  context,
}) => {
  const server = await serve({ root: SITE, port: 0 });
  const app = new Promptlens(page, server.url);
  await app.open({ model: DAMAGED_ON_GPU, softwareAdapter: true, labels: LABELS });
  await expect(app.machine).toContainText(/q8.*WASM/);
  await app.ranked(EXAMPLES.photographs, LABELS.length);
  await app.keptOffline();
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));

  const downloads: string[] = [];
  context.on('request', (request) => {
    if (/\.(onnx|wasm)$/.test(request.url())) downloads.push(request.url());
  });
  await page.reload();
  await app.ready();
  expect(downloads).toEqual([]);
  await page.getByRole('button', { name: /self-test passed/ }).click();
  await expect(page.getByRole('dialog', { name: 'What runs where' })).toContainText(
    /Passed over.*WebGPU, fp32.*computes wrongly/,
  );

  await server.close();
  await context.setOffline(true);
  await page.reload();
  await app.ready();
  await app.ranked(EXAMPLES.photographs, LABELS.length);
});

test('after a lost GPU the page opens with the network off, with the GPU or without', async ({
  page,
  context,
  browser,
}) => {
  const server = await serve({ root: SITE, port: 0 });
  const app = new Promptlens(page, server.url);
  await app.open({ model: TINY, softwareAdapter: true, labels: LABELS });
  await expect(app.machine).toContainText(/fp32.*WebGPU/);
  await app.keptOffline();
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await loseGpu(browser);
  await expect(app.machine).toContainText(/q8.*WASM/);
  await app.ready();
  await app.keptOffline();

  await server.close();
  await context.setOffline(true);
  // Whether it offers its GPU again is the browser's affair.
  await page.reload();
  await app.ready();
  await app.ranked(EXAMPLES.photographs, LABELS.length);
  await page.goto(app.address({ model: TINY, backend: 'wasm', labels: LABELS }));
  await app.ready();
  await expect(app.machine).toContainText(/q8.*WASM/);
  await app.ranked(EXAMPLES.photographs, LABELS.length);
});

// WebGPU on Chromium's software adapter: what is taken, what is passed over and why, and a GPU that goes away.

import { DAMAGED, TINY, TINY_FP32 } from './site/models.ts';
import { smallPictures } from './site/pictures.ts';
import { expect, needsAdapter, test } from './test.ts';

const LABELS = ['cat', 'dog', 'owl'];

test.beforeEach(({ app }) => needsAdapter(app));

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
  await app.ranked(6, LABELS.length);
  await page.getByRole('button', { name: /self-test passed/ }).click();
  const facts = page.getByRole('dialog', { name: 'What runs where' });
  await expect(facts).toContainText('WebGPU: google swiftshader');
  await expect(facts).toContainText(/Passed over.*fp16.*has no 16-bit shaders/);
  await expect(facts).toContainText(/Passed: cosine (0\.999|1\.000)/);
});

test('weights that only the self-test can tell are refused on every device', async ({ app, page }) => {
  await page.goto(app.address({ model: DAMAGED, softwareAdapter: true, labels: LABELS }));
  await expect(page.getByRole('alert')).toContainText(/computes wrongly.*weights are damaged/);
});

test('a GPU that is lost costs a moment: the model goes on without it', async ({ app, page, browser }) => {
  await app.open({ model: TINY_FP32, softwareAdapter: true, labels: LABELS });
  await expect(app.machine).toContainText('WebGPU');
  await app.add(await smallPictures(3));
  await app.ranked(3, LABELS.length);
  const before = await app.exportedJson();

  const session = await browser.newBrowserCDPSession();
  // The answer may get lost with the process.
  void session.send('Browser.crashGpuProcess').catch(() => undefined);
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

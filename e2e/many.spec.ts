// Many photographs and many labels. How smooth it is, the benchmark says; here nothing may be missing.

import { smallPictures } from './site/pictures.ts';
import { expect, test } from './test.ts';
import { watchWorker } from './worker-traffic.ts';

test('500 pictures at once are all ranked, in the order in which they came', async ({ app, page }) => {
  const labels = ['cat', 'dog', 'owl', 'forest', 'a red bus'];
  const encoded = await watchWorker(page);
  await app.open({ labels });
  const files = await smallPictures(500);
  await app.add(files);
  // First result first: cards are ranked while others still wait.
  await expect(page.getByRole('progressbar', { name: 'Photographs ranked' })).toBeVisible();
  await app.ranked(500, labels.length);
  await expect(page.getByRole('heading', { name: '500 photographs' })).toBeVisible();
  const names = files.map(({ name }) => name);
  const { photographs } = await app.exportedJson();
  expect(photographs.map(({ file }) => file)).toEqual(names);
  expect(photographs.filter(({ scores }) => scores?.length !== labels.length)).toEqual([]);
  expect(new Set(photographs.map(({ sha256 }) => sha256)).size).toBe(500);
  expect((await encoded()).photographs.filter((name) => name.startsWith('picture'))).toHaveLength(500);

  // Only what is near the screen is in the document; the rest comes as one gets there.
  expect(await app.photographs.getByRole('article').count()).toBeLessThan(100);
  await app.opener('picture-001.jpg').focus();
  await page.keyboard.press('End');
  await expect(app.opener('picture-500.jpg')).toBeFocused();
  expect(await app.bars('picture-500.jpg')).toHaveLength(3);
  await page.keyboard.press('Home');
  await expect(app.opener('picture-001.jpg')).toBeFocused();

  await app.labels.type('a boat');
  await app.ranked(500, labels.length + 1);
  expect(await encoded()).toEqual({ photographs: [], prompts: ['a photo of a a boat.'] });
  await page.getByRole('button', { name: 'Remove all photographs' }).click();
  await expect(page.getByRole('heading', { name: 'Example photographs' })).toBeVisible();
  await page.reload();
  await app.ready();
  await expect(page.getByRole('heading', { name: 'Example photographs' })).toBeVisible();
});

test('1,000 labels', async ({ app, page }) => {
  const labels = Array.from({ length: 1000 }, (_, i) => `thing number ${i + 1}`);
  await app.open({ labels: ['cat'] });
  await app.add(await smallPictures(12));
  await app.labels.write(labels);
  await app.ranked(12, 1000);
  await expect(page.getByRole('heading', { name: 'Labels 1,000' })).toBeVisible();
  await expect(page.getByRole('button', { name: /and 940 more labels/ })).toBeVisible();
  const { photographs } = await app.exportedJson();
  for (const { file, scores = [], best } of photographs) {
    expect(
      scores.map(({ label }) => label),
      file,
    ).toEqual(labels);
    const [first] = scores.toSorted((a, b) => b.cosine - a.cosine);
    expect(best).toBe(first.label);
    expect(scores.reduce((sum, { probability }) => sum + (probability ?? 0), 0)).toBeCloseTo(1, 4);
  }
  await app.opener('picture-001.jpg').click();
  await page.getByRole('button', { name: 'Show all 1,000 labels' }).click();
  await expect(page.getByRole('dialog').getByRole('row')).toHaveCount(1001);
  const shown = await page.getByRole('dialog').getByRole('rowheader').allTextContents();
  const scores = photographs.find(({ file }) => file === 'picture-001.jpg')?.scores ?? [];
  expect(shown).toEqual(scores.toSorted((a, b) => b.cosine - a.cosine).map(({ label }) => label));
  await page.keyboard.press('Escape');

  const sort = page.getByRole('combobox', { name: 'Sort' });
  await expect(sort.getByRole('option')).toHaveCount(4 + 1000);
  await sort.selectOption({ label: 'thing number 1000' });

  await page.reload();
  await app.ready();
  await app.ranked(12, 1000);
  await expect(sort).toHaveValue('=thing number 1000');
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await app.labels.expectToBe(['cat']);
});

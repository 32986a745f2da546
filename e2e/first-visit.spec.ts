// The first visit: an answer without a decision.

import { EXAMPLES } from './promptlens.ts';
import { smallPictures } from './site/pictures.ts';
import { expect, test } from './test.ts';

test('shows example photographs, ranked, without a decision', async ({ app, page }) => {
  await app.open({ model: null });
  await app.ranked(EXAMPLES.photographs, EXAMPLES.labels);
  await expect(page.getByRole('heading', { name: 'Example photographs' })).toBeVisible();
  await expect(app.photographs.getByRole('article')).toHaveCount(EXAMPLES.photographs);
  // A picture that could not be decoded is `complete` too, but has no width.
  await expect
    .poll(() =>
      app.photographs
        .getByRole('article')
        .locator('img')
        .evaluateAll((images: HTMLImageElement[]) => images.map(({ naturalWidth }) => naturalWidth > 0)),
    )
    .toEqual(new Array(EXAMPLES.photographs).fill(true));
  await expect(app.labels.chips).toHaveCount(EXAMPLES.labels);
  const [best, second] = await app.bars('dachshund.jpg');
  expect(await app.labels.chips.allInnerTexts()).toContain(best.label);
  expect(Number.parseInt(best.share.replace('>', ''), 10)).toBeGreaterThanOrEqual(
    Number.parseInt(second.share.replace('<', ''), 10),
  );
  await expect(page.getByText('No photograph leaves this device')).toBeVisible();
  await expect(page.getByText('Getty’s Open Content Program, CC0')).toBeVisible();
});

test('examples make way for the visitor’s own and come back after them', async ({ app, page }) => {
  await app.open();
  await app.add(await smallPictures(2));
  await app.ranked(2, EXAMPLES.labels);
  await expect(page.getByRole('heading', { name: '2 photographs' })).toBeVisible();
  await expect(app.card('dachshund.jpg')).toHaveCount(0);
  await page.getByRole('button', { name: 'Remove all photographs' }).click();
  await expect(page.getByRole('heading', { name: 'Example photographs' })).toBeVisible();
  await expect(app.card('dachshund.jpg')).toBeVisible();
});

// For everyone: the main job with the keyboard alone, and no violation that axe-core knows of, in every state of the page.

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import type { Promptlens } from './promptlens.ts';
import { smallPictures } from './site/pictures.ts';
import { expect, test } from './test.ts';

const LABELS = ['cat', 'dog', 'кошка'];

test('the main job by keyboard alone', async ({ app, page }) => {
  const { keyboard } = page;
  await app.open({ labels: [] });
  await page.getByRole('button', { name: 'Clear' }).focus();

  /** Goes on with Tab until what has the focus has this name. */
  const tabTo = async (name: RegExp, key = 'Tab') => {
    for (let presses = 0; presses < 40; presses++) {
      await keyboard.press(key);
      const found = await page.evaluate(() => {
        const at = document.activeElement;
        const label = at instanceof HTMLInputElement ? at.labels?.[0] : at;
        return at?.getAttribute('aria-label') ?? label?.textContent ?? '';
      });
      if (name.test(found.trim())) return;
    }
    throw new Error(`Tab never came to ${name}.`);
  };

  await tabTo(/^Add photographs$/, 'Shift+Tab');
  const chooser = page.waitForEvent('filechooser');
  await keyboard.press('Enter');
  await (await chooser).setFiles([...(await smallPictures(4))]);

  await tabTo(/^Clear$/);
  await keyboard.press('Enter');
  await tabTo(/^Add labels$/);
  for (const label of ['cat', 'dog', 'a red bus']) {
    await keyboard.type(label);
    await keyboard.press('Enter');
  }
  await app.ranked(4, 3);

  await tabTo(/^picture-001\.jpg: /);
  await keyboard.press('ArrowRight');
  await expect(app.opener('picture-002.jpg')).toBeFocused();
  await keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'picture-002.jpg' });
  await expect(dialog.getByRole('row')).toHaveCount(4);
  await keyboard.press('ArrowRight');
  await expect(page.getByRole('dialog', { name: 'picture-003.jpg' })).toBeVisible();
  await keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  // Back where the dialog was opened from.
  await expect(app.opener('picture-002.jpg')).toBeFocused();

  await tabTo(/^Table$/, 'Shift+Tab');
  await keyboard.press('Space');
  await expect(page.getByRole('table')).toBeVisible();
});

/** Every rule of axe-core, best practices too. */
async function expectNoViolation(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(
    ({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ html }) => html).join(' ')})`,
  );
  expect(found, what).toEqual([]);
}

async function openWithPictures(app: Promptlens): Promise<void> {
  await app.open({ labels: LABELS });
  await app.add(await smallPictures(6));
  await app.ranked(6, LABELS.length);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe: ${colorScheme}, cards and table, popovers and dialog open`, async ({ app, page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.goto(app.address({ model: 'not-there' }));
    await expect(page.getByRole('alert')).toBeVisible();
    await expectNoViolation(page, 'without a model');
    await openWithPictures(app);
    await expectNoViolation(page, 'cards');
    await page.getByRole('button', { name: 'Export', exact: true }).click();
    await expectNoViolation(page, 'export open');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /self-test passed/ }).click();
    await expectNoViolation(page, 'what runs where open');
    await page.keyboard.press('Escape');
    await app.unfoldTemplates();
    await expectNoViolation(page, 'templates open');
    await app.opener('picture-001.jpg').click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await expectNoViolation(page, 'details open');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Table' }).click();
    await expect(page.getByRole('table')).toBeVisible();
    await expectNoViolation(page, 'table');
    await page.getByRole('button', { name: 'Edit labels as text' }).click();
    await page.getByRole('button', { name: 'Remove all photographs' }).click();
    await expect(app.toasts.getByText('removed from this device')).toBeVisible();
    await expectNoViolation(page, 'labels as text, a toast, no photographs');
  });
}

test('axe: a phone’s width, without sideways scrolling', async ({ app, page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await openWithPictures(app);
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(await overflow()).toBeLessThanOrEqual(0);
  await expectNoViolation(page, 'cards');
  await app.opener('picture-001.jpg').click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await expectNoViolation(page, 'details');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Table' }).click();
  await expect(page.getByRole('table')).toBeVisible();
  expect(await overflow()).toBeLessThanOrEqual(0);
  await expectNoViolation(page, 'table');
});

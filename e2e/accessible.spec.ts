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

  // Listened for early: it takes the browser a moment to hand choosers over.
  const chooser = page.waitForEvent('filechooser');
  await tabTo(/^Add photographs$/, 'Shift+Tab');
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
    await page.getByRole('button', { name: 'Models', exact: true }).click();
    await expect(page.getByRole('listitem', { name: 'tiny', exact: true })).toBeVisible();
    await expectNoViolation(page, 'models open');
    await page.keyboard.press('Escape');
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
  // Whole names, whatever the verdict beside them.
  for (const name of await app.photographs.getByText(/^picture-\d+\.jpg$/).all()) {
    expect(await name.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(
      0,
    );
  }
  await app.opener('picture-001.jpg').click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await expectNoViolation(page, 'details');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Models', exact: true }).click();
  const models = page.getByRole('dialog', { name: 'Models' });
  await expect(models.getByRole('listitem', { name: 'tiny', exact: true })).toBeVisible();
  expect(await models.evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth)).toBeLessThanOrEqual(0);
  await expectNoViolation(page, 'models');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Table' }).click();
  await expect(page.getByRole('table')).toBeVisible();
  expect(await overflow()).toBeLessThanOrEqual(0);
  await expectNoViolation(page, 'table');
});

test('a ranking that is done again is heard again, and one without labels is not called one', async ({
  app,
  page,
}) => {
  await app.open({ labels: ['cat', 'dog'] });
  await app.add(await smallPictures(2));
  await app.ranked(2, 2);
  // What is put into a live region is what a listener hears.
  await page.evaluate(() => {
    window.heard = [];
    new MutationObserver((changes) => {
      for (const { target } of changes) if (target.textContent) window.heard.push(target.textContent);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  const heard = () =>
    page.evaluate(() => window.heard.filter((text) => text.endsWith('ranked by 2 labels.')));
  expect(await heard()).toEqual([]);
  await app.labels.write(['cat', 'owl']);
  await expect.poll(heard).toHaveLength(1);
  await app.labels.write(['cat', 'dog']);
  await expect.poll(heard).toHaveLength(2);
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(app.toasts.getByText('There is no label to rank the photographs by.')).toBeAttached();
});

declare global {
  interface Window {
    heard: string[];
  }
}

test('what has the focus is not beneath the bar, however high that is', async ({ app, page }) => {
  await page.setViewportSize({ width: 390, height: 700 });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await openWithPictures(app);
  const { height } = (await app.machine.boundingBox()) ?? { height: 0 };
  const { input } = app.labels;
  const top = () => input.evaluate((element) => element.getBoundingClientRect().top);
  // Its upper edge just beneath the bar's lower one.
  await page.evaluate((distance) => scrollBy(0, distance), (await top()) - height + 10);
  expect(await top()).toBeCloseTo(height - 10, 0);
  await input.focus();
  await expect.poll(top).toBeGreaterThanOrEqual(height);
});

test('a toast’s focus ring stands out, and it stays while it is held', async ({ app, page }) => {
  await page.clock.install();
  await app.open({ labels: LABELS });
  await page.getByRole('button', { name: 'Clear' }).click();
  const undo = app.toasts.filter({ hasText: '3 labels removed.' }).getByRole('button', { name: 'Undo' });
  await undo.focus();
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { ring, ground } = await undo.evaluate((button) => ({
      ring: getComputedStyle(button).outlineColor,
      ground: getComputedStyle(button.closest('.toast') ?? button).backgroundColor,
    }));
    expect(contrast(ring, ground), `${ring} on ${ground}, ${colorScheme}`).toBeGreaterThanOrEqual(3);
  }
  await page.clock.fastForward(60_000);
  await expect(undo).toBeVisible();
  await app.labels.input.focus();
  await page.clock.fastForward(15_000);
  await expect(undo).toBeVisible();
  await page.clock.fastForward(10_000);
  await expect(undo).toHaveCount(0);
});

/** WCAG's ratio of two colours such as `rgb(1, 2, 3)`. */
function contrast(one: string, other: string): number {
  const luminance = (color: string) => {
    const [red, green, blue] = (color.match(/\d+/g) ?? []).map((text) => {
      const value = Number(text) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

test('a popover near the screen’s lower edge opens upwards, whole', async ({ app, page }) => {
  await page.setViewportSize({ width: 390, height: 900 });
  await app.open({ labels: LABELS });
  await app.unfoldTemplates();
  const button = page.getByRole('button', { name: 'Ready sets' });
  const { y, height } = (await button.boundingBox()) ?? { y: 0, height: 0 };
  await page.setViewportSize({ width: 390, height: Math.ceil(y + height) + 60 });
  await button.click();
  const panel = page.getByRole('dialog', { name: 'Ready sets of templates' });
  for (const set of await panel.getByRole('button').all()) await expect(set).toBeInViewport({ ratio: 1 });
  const below = await panel.evaluate((element) => element.scrollHeight - element.clientHeight);
  expect(below).toBeLessThanOrEqual(0);
  const box = await panel.boundingBox();
  expect((box?.x ?? 0) + (box?.width ?? 0), 'a margin on the right, as on the left').toBeLessThanOrEqual(382);
});

// The page for everyone: no violation that axe-core finds, in light and dark, wide and narrow, as cards and as a table, with a
// photograph's details open.

import { AxeBuilder } from '@axe-core/playwright';
import { smallPictures } from './site/pictures.ts';
import { expect, test } from './test.ts';

const SCREENS = [
  { name: 'light, wide', colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  { name: 'dark, wide', colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  { name: 'light, phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
  { name: 'dark, phone', colorScheme: 'dark', viewport: { width: 390, height: 844 } },
] as const;

for (const { name, colorScheme, viewport } of SCREENS) {
  test.describe(name, () => {
    test.use({ colorScheme, viewport });

    test('axe-core finds no violation', async ({ app, page }) => {
      const violations = async () =>
        (await new AxeBuilder({ page }).analyze()).violations.map(({ id, nodes }) => ({
          id,
          where: nodes.map(({ html }) => html),
        }));
      await app.open({ labels: ['cat', 'dog', 'red flower'] });
      const files = await smallPictures(4);
      await app.add(files);
      await app.ranked(4, 3);
      expect(await violations(), 'cards').toEqual([]);
      await app.opener(files[0].name).click();
      expect(await violations(), 'details').toEqual([]);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Table', exact: true }).click();
      await expect(page.getByRole('table')).toBeVisible();
      expect(await violations(), 'table').toEqual([]);
    });
  });
}

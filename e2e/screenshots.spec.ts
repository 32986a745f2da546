// Pictures of the first visit, light, dark and phone-wide, to be looked at. `npm run screenshots` puts them where README.md
// shows them; every other run leaves them in test-results/.

import { EXAMPLES } from './promptlens.ts';
import { test } from './test.ts';

const SCREENS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 860 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;

for (const { name, ...screen } of SCREENS) {
  test.describe(name, () => {
    test.use({ ...screen, deviceScaleFactor: 2 });
    test('the first visit', async ({ app, page }, { config }) => {
      const folder = config.updateSnapshots === 'all' ? 'e2e/screenshots' : 'test-results/screenshots';
      await app.open({ model: null });
      await app.ranked(EXAMPLES.photographs, EXAMPLES.labels);
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: `${folder}/${name}.jpg`, quality: 85, animations: 'disabled' });
    });
  });
}

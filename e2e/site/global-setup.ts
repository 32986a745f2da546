// What the tests open: a copy of the built page with model folders of our own beside it, served twice, as a good host does and
// as plain static hosting does under a sub-path.

import { cp, rm, stat, writeFile } from 'node:fs/promises';
import { serve } from '../../scripts/serve.mjs';
import { serveHub } from './hub.ts';
import { TINY, writeTestModels } from './models.ts';
import { PLAIN_PREFIX, SITE, setAddresses } from './site.ts';

export default async function globalSetup() {
  await rm(SITE, { recursive: true, force: true });
  await stat('dist/index.html').catch(() => {
    throw new Error('There is no built page to test: dist/index.html is missing. Run `npm run build` first.');
  });
  await cp('dist', SITE, { recursive: true });
  await writeTestModels(`${SITE}/models`);
  const hub = await serveHub(`${SITE}/models/${TINY}`);
  await writeFile(
    `${SITE}/models.json`,
    JSON.stringify({ hub: hub.url, models: [{ folder: TINY, license: null }] }),
  );
  const isolated = await serve({ root: SITE, port: 0 });
  const plain = await serve({ root: SITE, port: 0, prefix: PLAIN_PREFIX, isolation: false });
  setAddresses({ isolated: isolated.url, plain: plain.url, hub: hub.url });
  return async () => {
    await Promise.all([isolated.close(), plain.close(), hub.close()]);
  };
}

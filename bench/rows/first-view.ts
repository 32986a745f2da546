// What a first visit downloads before runtime and model, compressed as a good host does: everything that the built page asks
// for by itself, told apart from the runtime, the model and what the service worker fetches for later.

import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { withPage } from '../browser.ts';
import type { Row } from '../report.ts';
import type { Setting } from './setting.ts';

const FLOOR_KB = 150;
/** Which files are not the first view: the runtime and its glue, the models. */
const RUNTIME_OR_MODEL = /\/models\/|\/assets\/ort[.-]|\.wasm$/;
/** What the page loads ahead once the model runs: app/classify/late-parts.ts, app/app.tsx. */
const LATE = /\/(?:paste|photo-table|photo-details|models-view|tried)-[^/]+$/;
const PICTURE = /\.(?:jpe?g|png|webp)$/;
/** Already compressed. */
const COMPRESSED = /\.(?:woff2|jpe?g|png|webp)$/;

export async function firstView({ browser, site }: Setting): Promise<Row> {
  const paths = await withPage(browser, 'about:blank', async (page) => {
    const asked = new Set<string>();
    page.context().on('request', (request) => {
      const url = request.url();
      if (url.startsWith(site.product) && request.serviceWorker() === null) asked.add(new URL(url).pathname);
    });
    await page.goto(site.product);
    // Its examples are ranked: nothing of the first view is still to come.
    await page.getByRole('main').getByRole('article').getByRole('list').first().waitFor();
    return [...asked].filter((path) => !RUNTIME_OR_MODEL.test(path) && !LATE.test(path)).sort();
  });
  const files = await Promise.all(
    paths.map(async (path) => ({ path, bytes: await transferred(new URL(path, site.product)) })),
  );
  const pictures = files.filter(({ path }) => PICTURE.test(path));
  const shell = files.filter(({ path }) => !PICTURE.test(path));
  const size = (some: typeof files) => some.reduce((sum, { bytes }) => sum + bytes, 0) / 1000;
  const names = shell.map(
    ({ path, bytes }) => `${path.split('/').at(-1) || 'index.html'} ${kilobytes(bytes / 1000)}`,
  );
  return {
    what: 'first view before runtime and model',
    floor: `${FLOOR_KB} kB in Brotli`,
    measured: kilobytes(size(shell)),
    pass: size(shell) <= FLOOR_KB,
    sides: [
      { who: 'ours', figure: kilobytes(size(shell)), does: names.join(', '), samples: shell },
      {
        who: 'beside it',
        figure: kilobytes(size(pictures)),
        does: `${pictures.length} pictures, the examples that the first visit ranks and icons`,
        samples: pictures,
      },
    ],
  };
}

async function transferred(address: URL): Promise<number> {
  const content = new Uint8Array(await (await fetch(address)).arrayBuffer());
  if (COMPRESSED.test(address.pathname)) return content.length;
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  return (await promisify(brotliCompress)(content, { params })).length;
}

function kilobytes(kb: number): string {
  return `${kb.toFixed(kb < 10 ? 1 : 0)} kB`;
}

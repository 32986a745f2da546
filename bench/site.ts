// One site for all sides: the product's client, transformers.js and the bare runtime in a page each, built by Vite, with the same models and
// photographs, isolated so that both may use threads. The built product itself stands beside it, served as its own server does.

import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import sirv from 'sirv';
import { build, loadConfigFromFile, type UserConfig } from 'vite';
import { photographs, picture } from '../e2e/site/pictures.ts';
import { serve } from '../scripts/serve.mjs';
import { CACHE } from './cache.ts';
import type { BenchModel } from './models.ts';

export interface Site {
  /** Addresses of the pages that pages/ holds. */
  readonly ours: string;
  readonly peer: string;
  readonly bare: string;
  /** The built product, without `?model=`. */
  readonly product: string;
  /** Addresses under `ours` and `peer`, and what they show. */
  readonly photographs: readonly string[];
  readonly labels: readonly string[];
  /** A picture of a model's own size, which nobody resizes. */
  plainPicture(model: BenchModel): string;
  close(): Promise<void>;
}

const ROOT = `${CACHE}/site`;
const PRODUCT = `${CACHE}/product`;
const PHOTOGRAPHS = 40;
const LABELS = ['cat', 'dog', 'flower', 'bus', 'banana', 'bear', 'owl', 'forest', 'boat', 'hot dog'];
const ISOLATION = new Map([
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Embedder-Policy', 'require-corp'],
]);

export async function openSite(models: readonly BenchModel[], ownModel: BenchModel): Promise<Site> {
  await rm(ROOT, { recursive: true, force: true });
  await rm(PRODUCT, { recursive: true, force: true });
  await buildPage('ours', await productSettings());
  await buildPage('peer', {});
  await buildPage('bare', await productSettings());
  await mkdir(`${ROOT}/models`);
  await mkdir(`${ROOT}/plain`);
  for (const { name, folder, imageSize } of models) {
    await symlink(resolve(folder), `${ROOT}/models/${name}`);
    await writeFile(`${ROOT}/plain/${imageSize}.png`, await picture(1, imageSize, imageSize, 'png'));
  }
  await mkdir(`${ROOT}/photographs`);
  const { paths, names } = await photographs(PHOTOGRAPHS);
  for (const [i, path] of paths.entries()) await symlink(resolve(path), `${ROOT}/photographs/${names[i]}`);

  await cp('dist', PRODUCT, { recursive: true });
  await rm(`${PRODUCT}/models`, { recursive: true, force: true });
  await mkdir(`${PRODUCT}/models`);
  // The product opens the model of this name where its address names no other.
  await symlink(resolve(ownModel.folder), `${PRODUCT}/models/promptlens-mini`);

  const product = await serve({ root: PRODUCT, port: 0 });
  // Files as they are: Vite's preview compresses weights at each request, which then is most of what a page waits for.
  const files = sirv(ROOT, { dev: true, setHeaders: (response) => response.setHeaders(ISOLATION) });
  const server = createServer((request, response) => files(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    ours: `${origin}/ours/ours.html`,
    peer: `${origin}/peer/peer.html`,
    bare: `${origin}/bare/bare.html`,
    product: product.url,
    photographs: names.map((name) => `/photographs/${name}`),
    labels: LABELS,
    plainPicture: ({ imageSize }) => `/plain/${imageSize}.png`,
    async close() {
      server.close();
      server.closeAllConnections();
      await product.close();
    },
  };
}

/** What vite.config.ts says of the runtime and of workers; the rest of it is about the product's own page. */
async function productSettings(): Promise<UserConfig> {
  const loaded = await loadConfigFromFile({ command: 'build', mode: 'production' }, 'vite.config.ts');
  if (loaded === null) throw new Error('vite.config.ts could not be read.');
  const { define, resolve: resolution, worker, build: settings } = loaded.config;
  return { define, resolve: resolution, worker, build: { target: settings?.target } };
}

async function buildPage(name: 'ours' | 'peer' | 'bare', settings: UserConfig): Promise<void> {
  await build({
    ...settings,
    configFile: false,
    logLevel: 'error',
    root: 'bench/pages',
    base: './',
    build: {
      ...settings.build,
      outDir: resolve(ROOT, name),
      emptyOutDir: true,
      rolldownOptions: { input: `bench/pages/${name}.html` },
    },
  });
}

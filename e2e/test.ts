// The `test` of all specs that open the page. Whatever a test is about, it fails too when anything of the browser's asks for
// another host, when something breaks the content security policy, or when an error of the page's is caught by nobody.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BrowserContext, test as base, expect } from '@playwright/test';
import { Promptlens } from './promptlens.ts';
import { addresses } from './site/site.ts';

/** Hosts of the browser's own errands, which no switch ends. What the page itself asks of them is seen by other means. */
const ERRANDS = /\b(?:google|googleapis|gvt1)\.com\b/;

/** The site, and the empty page that single functions are tested on (workers/bundle.ts). */
const OURS = /^(?:127\.0\.0\.1|worker\.test)$/;

interface Fixtures {
  /** The page on the isolated site; not opened yet. */
  readonly app: Promptlens;
  /** Watches a context that a test makes itself; `context` is watched already. */
  readonly watch: (context: BrowserContext) => void;
}

interface WorkerFixtures {
  /** What the browser asked of other hosts. It reaches them through a proxy that writes down and refuses; loopback goes around it. */
  readonly outside: { readonly address: string; readonly requests: string[] };
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  outside: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures that are used here
    async ({}, use) => {
      const requests: string[] = [];
      const note = (request: string) => {
        if (!ERRANDS.test(request)) requests.push(request);
      };
      const proxy = createServer((request, response) => {
        note(`${request.method} ${request.url}`);
        response.writeHead(403).end();
      });
      proxy.on('connect', (request, socket) => {
        note(`CONNECT ${request.url}`);
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      });
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      const { port } = proxy.address() as AddressInfo;
      await use({ address: `127.0.0.1:${port}`, requests });
      proxy.close();
    },
    { scope: 'worker' },
  ],

  launchOptions: [
    async ({ launchOptions, outside }, use) => {
      const args = [...(launchOptions.args ?? []), `--proxy-server=${outside.address}`];
      await use({ ...launchOptions, args });
    },
    { scope: 'worker' },
  ],

  watch: async ({ outside }, use) => {
    outside.requests.length = 0;
    const complaints: string[] = [];
    await use((context) => {
      context.on('request', (request) => {
        const { protocol, hostname } = new URL(request.url());
        if (/^https?:$/.test(protocol) && !OURS.test(hostname)) complaints.push(`asked for ${request.url()}`);
      });
      context.on('weberror', (error) => complaints.push(String(error.error())));
      context.on('console', (message) => {
        if (/content security policy/i.test(message.text())) complaints.push(message.text());
      });
    });
    expect(complaints).toEqual([]);
    expect(outside.requests).toEqual([]);
  },

  context: async ({ context, watch }, use) => {
    watch(context);
    await use(context);
  },

  app: async ({ page }, use) => use(new Promptlens(page, addresses().isolated)),
});

/** Skips a test of WebGPU where this Chromium offers no adapter at all; with CI=true that is a failure. */
export async function needsAdapter({ page, site }: Promptlens): Promise<void> {
  await page.goto(`${site}icons/icon.svg`);
  const found = await page.evaluate(
    async () => (await navigator.gpu?.requestAdapter()) instanceof GPUAdapter,
  );
  if (process.env.CI === 'true') expect(found, 'an adapter in software').toBe(true);
  else test.skip(!found, 'this Chromium offers no WebGPU adapter');
}

export { expect };

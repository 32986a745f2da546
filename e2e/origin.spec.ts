// Nothing leaves the origin. Every test holds that (test.ts); here it is made sure that they would notice, and that page and
// worker could not even if they wanted to.

import securityHeaders from '../app/security-headers.json' with { type: 'json' };
import { Promptlens } from './promptlens.ts';
import { STUCK } from './site/hub.ts';
import { addresses } from './site/site.ts';
import { expect, test } from './test.ts';

const POLICY = securityHeaders['Content-Security-Policy'];
const ELSEWHERE = 'https://elsewhere.test';

test('what a page asks of another host is noticed', async ({ browser, outside }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${ELSEWHERE}/`).catch(() => undefined);
  await context.close();
  expect(outside.requests).toContain('CONNECT elsewhere.test:443');
  outside.requests.length = 0;
});

test('the policy comes with the page and with its workers, and holds', async ({ browser, outside }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const policies = new Map<string, string | null>();
  page.on('response', async (response) => {
    const { pathname } = new URL(response.url());
    policies.set(
      pathname.replace(/-[\w-]{8}\.js$/, '.js'),
      await response.headerValue('content-security-policy'),
    );
  });
  const app = new Promptlens(page, addresses().isolated);
  await app.open();
  for (const path of ['/', '/assets/worker.js']) expect(policies.get(path), path).toBe(POLICY);
  expect(POLICY).toContain("default-src 'self'");
  expect(POLICY).toContain("connect-src 'self'");

  const attempt = async (address: string) => {
    const broken = new Promise<string>((resolve) => {
      addEventListener('securitypolicyviolation', ({ effectiveDirective }) => resolve(effectiveDirective), {
        once: true,
      });
    });
    const outcome = await fetch(address, { mode: 'no-cors' }).then(
      () => 'went through',
      () => 'refused',
    );
    return outcome === 'refused' ? broken : outcome;
  };
  expect(await page.evaluate(attempt, `${ELSEWHERE}/page`)).toBe('connect-src');
  const [worker] = page.workers();
  expect(await worker.evaluate(attempt, `${ELSEWHERE}/worker`)).toBe('connect-src');
  expect(outside.requests).toEqual([]);
  await context.close();
});

test('the worker that downloads a model may ask its host, and no other; the page not even that one', async ({
  browser,
  outside,
}) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const app = new Promptlens(page, addresses().isolated);
  await app.open();
  await page.getByRole('button', { name: 'Models', exact: true }).click();
  await page.getByRole('textbox', { name: /^Name on the hub/ }).fill(STUCK);
  await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('progressbar', { name: `Adding ${STUCK}` })).toBeVisible();
  // The bar comes at once, the worker when the service worker has the policy for it.
  const findKeeper = () => page.workers().find((worker) => worker.url().includes('keep-worker'));
  await expect.poll(findKeeper).toBeDefined();
  const keeper = findKeeper();
  expect(keeper?.url()).toContain(new URLSearchParams({ hosts: addresses().hub }).toString());
  const ask = (address: string) =>
    fetch(address).then(
      () => 'went through',
      () => 'refused',
    );
  expect(await keeper?.evaluate(ask, `${addresses().hub}/anything`)).toBe('went through');
  expect(await keeper?.evaluate(ask, `${ELSEWHERE}/anything`)).toBe('refused');
  expect(await page.evaluate(ask, `${addresses().hub}/anything`)).toBe('refused');
  expect(outside.requests).toEqual([]);
  await context.close();
});

test('no other page can frame it', async ({ browser }) => {
  const { isolated } = addresses();
  // The isolation headers alone would let a page of the same origin. A context that nobody watches: this one complains.
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${isolated}icons/icon.svg`);
  const framed = await page.evaluate(
    (address) =>
      new Promise<boolean>((resolve) => {
        const frame = document.createElementNS('http://www.w3.org/1999/xhtml', 'iframe');
        frame.setAttribute('src', address);
        frame.addEventListener('load', () => resolve((frame as HTMLIFrameElement).contentDocument !== null));
        document.documentElement.append(frame);
      }),
    isolated,
  );
  expect(framed).toBe(false);
  await context.close();
});

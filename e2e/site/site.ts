// Where the tests find the site that global-setup.ts made. Paths are relative to the repository, from which Playwright runs.

import { cp, mkdir, rm, symlink } from 'node:fs/promises';
import { resolve } from 'node:path';

export const SITE = 'test-results/site';
export const PLAIN_PREFIX = '/some/sub-path';

export interface Addresses {
  /** With isolation and the content security policy as headers. */
  readonly isolated: string;
  /** Plain static hosting under a sub-path: no such header. */
  readonly plain: string;
  /** What takes a hub's place: hub.ts. No slash at its end. */
  readonly hub: string;
}

/** Global setup runs in Playwright's main process; its workers inherit the environment. */
const VARIABLE = 'PROMPTLENS_TEST_ADDRESSES';

export function setAddresses(addresses: Addresses): void {
  process.env[VARIABLE] = JSON.stringify(addresses);
}

export function addresses(): Addresses {
  const value = process.env[VARIABLE];
  if (value === undefined) throw new Error(`${VARIABLE} is not set: global-setup.ts did not run.`);
  return JSON.parse(value);
}

/** A site of a test's own, whose service worker it may change: everything else is the common site's. */
export async function ownSite(name: string): Promise<string> {
  const root = `test-results/sites/${name}`;
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  for (const shared of ['assets', 'icons', 'models']) {
    await symlink(resolve(SITE, shared), resolve(root, shared));
  }
  for (const own of ['index.html', 'service-worker.js', 'manifest.webmanifest', 'models.json']) {
    await cp(`${SITE}/${own}`, `${root}/${own}`);
  }
  return root;
}

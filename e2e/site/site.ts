// Where the tests find the site that global-setup.ts made. Paths are relative to the repository, from which Playwright runs.

export const SITE = 'test-results/site';
export const PLAIN_PREFIX = '/some/sub-path';

export interface Addresses {
  /** With isolation and the content security policy as headers. */
  readonly isolated: string;
  /** Plain static hosting under a sub-path: no such header. */
  readonly plain: string;
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

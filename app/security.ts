// The security headers of each file that the service worker answers with. They are the same for all but the worker that takes models
// from other servers onto this device: it may ask the hosts that its address names, which are those that the visitor asked for.

import { HOSTS, isHost } from './library/keep/hosts.ts';
import securityHeaders from './security-headers.json';

/** In the build's names: assets/keep-worker-<hash>.js. */
const KEEP_WORKER = /\/assets\/keep-worker-[\w-]+\.js$/;
export function securityHeadersFor(url: URL): Readonly<Record<string, string>> {
  if (!KEEP_WORKER.test(url.pathname)) return securityHeaders;
  const hosts = (url.searchParams.get(HOSTS) ?? '').split(' ').filter(isHost);
  const policy = securityHeaders['Content-Security-Policy'];
  return {
    ...securityHeaders,
    'Content-Security-Policy': policy.replace(
      "connect-src 'self'",
      ["connect-src 'self'", ...hosts].join(' '),
    ),
  };
}

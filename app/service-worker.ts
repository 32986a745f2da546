// The site's service worker. It keeps the shell (every file that the build lists) and answers from it, so that the page
// opens with the network off; the runtime and the models are kept by the inference worker, once they are in use. Whatever it
// answers carries the security headers: on plain static hosting, which sends none, that isolates the page (and gives
// WebAssembly its threads) and puts the policy on the workers too.
//
// A new version installs beside the old one and waits: it takes over when the page says so (site.ts), or when no tab is left.

import { addPlugins, cleanupOutdatedCaches, precacheAndRoute } from 'workbox-precaching';
import { securityHeadersFor } from './security.ts';
import { ANSWER, TAKE_OVER } from './storage/take-over.ts';

declare const self: ServiceWorkerGlobalScope & {
  /** The build's list of files with their hashes, put here by vite-plugin-pwa. */
  readonly __WB_MANIFEST: readonly { readonly url: string; readonly revision: string | null }[];
};

addPlugins([
  {
    handlerWillRespond: async ({ request, response }) => withSecurityHeaders(response, new URL(request.url)),
  },
]);
// ?model=… and the like are read by the page; the files are the same.
precacheAndRoute([...self.__WB_MANIFEST], { ignoreURLParametersMatching: [/./] });
cleanupOutdatedCaches();

self.addEventListener('message', (event) => {
  const { data } = event;
  if (data === TAKE_OVER) void self.skipWaiting();
  if (data === ANSWER) event.waitUntil(self.clients.claim());
});

function withSecurityHeaders(response: Response, url: URL): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(securityHeadersFor(url))) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

// The hosts that the worker of a download may ask, and no others: its address names them, and app/security.ts puts them into its policy.

import type { Source } from './source.ts';

/** In the query of that worker's address. */
export const HOSTS = 'hosts';

/**
 * Hosts that a policy may name: an origin, or all hosts under a name, and nothing that could end the directive in which it stands. Over
 * plain http anyone on the way could put another model in its place; a server on this machine is no way.
 */
const HOST =
  /^https:\/\/(?:\*\.[a-z0-9-]+(?:\.[a-z0-9-]+)+|[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::\d{1,5})?$|^http:\/\/(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/;

export function isHost(text: string): boolean {
  return HOST.test(text);
}

/** huggingface.co sends large files from hosts of its own under these names. */
const HUGGING_FACE = ['https://huggingface.co', 'https://*.huggingface.co', 'https://*.hf.co'];

/** What the worker that fetches it may ask, as its content security policy names it; nothing else. */
export function hostsOf(source: Source): readonly string[] {
  const { origin } = new URL(source.kind === 'folder' ? source.url : source.model.endpoint);
  return origin === HUGGING_FACE[0] ? HUGGING_FACE : [origin];
}

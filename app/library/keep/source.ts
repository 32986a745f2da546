// What the visitor typed to have a model from elsewhere: a hub's name for it, its address there, or a folder's address.

import { type HubModel, isHubId } from '../../../models/clip/hub.ts';

export type Source =
  | { readonly kind: 'hub'; readonly model: HubModel }
  /** A model folder on any server; its address, with a slash at its end. */
  | { readonly kind: 'folder'; readonly url: string };

/**
 * Throws a sentence where it is neither.
 * @param hub the hub's address without a slash at its end
 */
export function parseSource(text: string, hub: string): Source {
  const typed = text.trim();
  if (isHubId(typed)) return onHub(hub, typed, 'main');
  const url = URL.canParse(typed) ? new URL(typed) : null;
  if (url === null || !isSecure(url)) {
    throw new Error(
      `“${typed}” is neither a model’s name on the hub, such as Xenova/clip-vit-base-patch32, nor the address of a model folder that begins with https://.`,
    );
  }
  if (url.origin === new URL(hub).origin) {
    const [owner = '', name = '', tree, revision] = url.pathname
      .split('/')
      .filter(Boolean)
      .map(decodeURIComponent);
    const id = `${owner}/${name}`;
    if (isHubId(id)) return onHub(hub, id, tree === 'tree' && revision !== undefined ? revision : 'main');
  }
  const folder = `${url.origin}${url.pathname}`;
  return { kind: 'folder', url: folder.endsWith('/') ? folder : `${folder}/` };
}

function onHub(endpoint: string, id: string, revision: string): Source {
  return { kind: 'hub', model: { endpoint, id, revision } };
}

/** Over plain http anyone on the way could put another model in its place; a server on this machine is no way. */
function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && /^(?:127\.0\.0\.1|localhost)$/.test(hostname));
}

/** What the model is called on this device. */
export function deviceId(source: Source): string {
  if (source.kind === 'folder') {
    const { host, pathname } = new URL(source.url);
    return `${host}/${decodeURIComponent(pathname).split('/').filter(Boolean).at(-1) ?? ''}`.replace(
      /\/$/,
      '',
    );
  }
  const { id, revision } = source.model;
  return revision === 'main' ? id : `${id}@${revision}`;
}

/** As it can be typed again. */
export function sourceWords(source: Source): string {
  if (source.kind === 'folder') return source.url;
  const { endpoint, id, revision } = source.model;
  return `${endpoint}/${id}${revision === 'main' ? '' : `/tree/${revision}`}`;
}

/** huggingface.co sends large files from hosts of its own under these names. */
const HUGGING_FACE = ['https://huggingface.co', 'https://*.huggingface.co', 'https://*.hf.co'];

/** In the query of that worker's address: app/security.ts reads it there. */
export const HOSTS = 'hosts';

/** What the worker that fetches it may ask, as its content security policy names it; nothing else. */
export function hostsOf(source: Source): readonly string[] {
  const { origin } = new URL(source.kind === 'folder' ? source.url : source.model.endpoint);
  return origin === HUGGING_FACE[0] ? HUGGING_FACE : [origin];
}

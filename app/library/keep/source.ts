// What the visitor typed to have a model from elsewhere: a hub's name for it, its address there, or a folder's address.

import { type HubModel, isHubId } from '../../../models/clip/hub.ts';
import { isHost } from './hosts.ts';

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
  if (url === null || !isHost(url.origin)) {
    throw new Error(
      `“${typed}” is neither a model’s name on the hub, such as Xenova/clip-vit-base-patch32, nor the address of a model folder that begins with https://.`,
    );
  }
  if (url.origin === new URL(hub).origin) {
    const [owner = '', name = '', kind = '', revision] = url.pathname.split('/').filter(Boolean);
    const id = `${owner}/${name}`;
    const stated = ['tree', 'resolve', 'blob'].includes(kind) ? revision : undefined;
    if (isHubId(id)) return onHub(hub, id, stated === undefined ? 'main' : unescaped(stated));
  }
  const folder = `${url.origin}${url.pathname}`;
  return { kind: 'folder', url: folder.endsWith('/') ? folder : `${folder}/` };
}

function onHub(endpoint: string, id: string, revision: string): Source {
  return { kind: 'hub', model: { endpoint, id, revision } };
}

/** What was escaped in an address; as it is where it was not escaped rightly. */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * What the model is called on this device. A folder by its whole address, since many end alike; a model of the hub by its name there and
 * its revision where that is not main, so that two revisions are told apart wherever a model is named.
 */
export function deviceId(source: Source): string {
  if (source.kind === 'folder') return source.url.replace(/\/$/, '');
  const { id, revision } = source.model;
  return revision === 'main' ? id : `${id}@${shortRevision(revision)}`;
}

/** A commit as the hub shows it, and all of a branch or tag. What stands behind the last slash is a model's short name: it has none. */
function shortRevision(revision: string): string {
  return /^[0-9a-f]{40}$/.test(revision) ? revision.slice(0, 7) : encodeURIComponent(revision);
}

/** As it can be typed again. */
export function sourceWords(source: Source): string {
  if (source.kind === 'folder') return source.url;
  const { endpoint, id, revision } = source.model;
  return `${endpoint}/${id}${revision === 'main' ? '' : `/tree/${encodeURIComponent(revision)}`}`;
}

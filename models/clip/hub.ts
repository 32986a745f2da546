// Models on a hub (huggingface.co, or a server that answers as it does): what a repository holds, with the hashes that the hub
// publishes, and where each file is. Without any asking itself, so that a page, a worker and Node share it.

import * as v from 'valibot';
import { checked, quoted } from './checked.ts';
import { isPlainPath } from './plain-path.ts';

export const HUB_ENDPOINT = 'https://huggingface.co';

/** The hub that HF_ENDPOINT names, as it can stand in `HubModel`. Throws a sentence where that is no address. */
export function hubEndpoint(given: string | undefined): string {
  const endpoint = (given || HUB_ENDPOINT).replace(/\/+$/, '');
  if (/^https?:\/\/[^/\s]+/.test(endpoint)) return endpoint;
  throw new Error(
    `HF_ENDPOINT is ${quoted(endpoint)}; a hub's address such as ${HUB_ENDPOINT} was expected. Correct it, or leave it out.`,
  );
}

export interface HubModel {
  /** Such as https://huggingface.co, without a slash at its end. */
  readonly endpoint: string;
  /** `openai/clip-vit-base-patch32` */
  readonly id: string;
  /** A branch, tag or commit. */
  readonly revision: string;
}

export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** Large files have their SHA-256 published, small ones the SHA-1 that git knows them by. */
  readonly hash: { readonly kind: 'sha256' | 'git'; readonly hex: string };
}

/** `owner/name`, as the hub allows it. */
export function isHubId(text: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(text);
}

const encoded = (path: string) => path.split('/').map(encodeURIComponent).join('/');

export function hubListUrl({ endpoint, id, revision }: HubModel): string {
  return `${endpoint}/api/models/${encoded(id)}/tree/${encodeURIComponent(revision)}?recursive=true`;
}

export function hubFileUrl({ endpoint, id, revision }: HubModel, path: string): string {
  return `${endpoint}/${encoded(id)}/resolve/${encodeURIComponent(revision)}/${encoded(path)}`;
}

const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Entry = v.object({
  type: v.string(),
  path: v.string(),
  size: v.optional(size, 0),
  oid: v.optional(hex(40)),
  lfs: v.nullish(v.object({ oid: hex(64), size })),
});
const Listing = v.array(Entry);

/**
 * The files of a repository from the hub's answer, but those whose path is not plain: no model needs any, and each becomes a path here.
 * @param name for messages
 */
export function parseHubListing(json: unknown, name: string): HubFile[] {
  return checked(Listing, json, name).flatMap(({ type, path, size: bytes, oid, lfs }): HubFile[] => {
    if (type !== 'file' || !isPlainPath(path)) return [];
    if (lfs) return [{ path, bytes: lfs.size, hash: { kind: 'sha256', hex: lfs.oid } }];
    return oid === undefined ? [] : [{ path, bytes, hash: { kind: 'git', hex: oid } }];
  });
}

// What the site serves, by models.json (scripts/site-models.ts) and the manifests of the folders that it names.

import * as v from 'valibot';
import { checked, parseJson } from '../../models/clip/checked.ts';
import { HUB_ENDPOINT } from '../../models/clip/hub.ts';
import { parseManifest } from '../../models/clip/manifest.ts';
import { isPlainName } from '../../models/clip/plain-path.ts';
import type { FolderFile } from '../../models/clip/types.ts';
import { downloadManifest } from '../inference/download.ts';
import { getRecord } from '../storage/model-files.ts';

const SiteIndex = v.object({
  hub: v.pipe(
    v.string(),
    v.url(),
    v.transform((hub) => hub.replace(/\/+$/, '')),
  ),
  models: v.array(
    v.object({
      folder: v.pipe(v.string(), v.check(isPlainName, 'Expected a plain name of a folder')),
      license: v.nullable(v.string()),
    }),
  ),
});

export type SiteIndex = v.InferOutput<typeof SiteIndex>;

/** A site put together by hand may have none: it serves then what the address names. */
const NONE: SiteIndex = { hub: HUB_ENDPOINT, models: [] };

/** Rejects where it cannot be had: which hub to ask is not guessed. */
export async function loadSiteIndex(base: string): Promise<SiteIndex> {
  const url = new URL('models.json', base).href;
  const response = await fetch(url, { cache: 'no-cache' });
  // Static hosts answer a missing file with their start page.
  if (response.status === 404 || response.headers.get('content-type')?.startsWith('text/html')) return NONE;
  if (!response.ok) throw new Error(`the server answered ${response.status} for ${url}.`);
  return checked(SiteIndex, parseJson(new Uint8Array(await response.arrayBuffer()), url), url);
}

export interface SiteModel {
  readonly folder: string;
  readonly license: string | null;
  readonly files: readonly FolderFile[];
  /** Of it on this device, from having used it: what works without the network. */
  readonly keptBytes: number;
}

export function siteFolderUrl(folder: string, base: string): string {
  return new URL(`models/${folder}/`, base).href;
}

/** By the manifest that this device has kept where the server is away. Rejects where there is neither. */
export async function loadSiteModel(
  folder: string,
  license: string | null,
  base: string,
): Promise<SiteModel> {
  const url = siteFolderUrl(folder, base);
  const record = await getRecord(url);
  const bytes = await downloadManifest(url).catch((error: unknown) => {
    if (record === undefined) throw error;
    return record.manifest;
  });
  const { files } = parseManifest(bytes, `${url}manifest.json`);
  const keptBytes = files.reduce(
    (sum, file) => sum + (record?.files.includes(file.sha256) ? file.bytes : 0),
    0,
  );
  return { folder, license, files, keptBytes };
}

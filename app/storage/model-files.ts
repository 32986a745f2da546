// Files of models and of the runtime on this device, in Cache Storage, known by what they hold (SHA-256). Whoever keeps
// a file has checked it; a cache entry is whole or absent, so nothing half-written is ever read.
//
// What keeps a file alive is a record: the list of hashes that one owner (a model folder's address, the site's runtime) has been
// used with, and works with when the network is off. A record is written last, when its files are all here. Files in no record are
// forgotten. Beside them stand notes, a few words each, which keep nothing alive. Tabs share all this: `whileUsingFiles` holds a
// shared lock, and forgetting waits for nobody but needs the lock alone, so that no tab loses a file between keeping it and writing
// its record.

import { isQuotaError, StorageFullError } from './errors.ts';

const CACHE = 'promptlens-files';
const LOCK = 'promptlens-files';
const RECORDS_LOCK = 'promptlens-records';

/** Cache entries have addresses. These are never fetched: no server knows them. */
function fileKey(sha256: string): string {
  return new URL(`/promptlens-kept/file/${sha256}`, location.origin).href;
}
function recordKey(owner: string): string {
  return new URL(`/promptlens-kept/record/${encodeURIComponent(owner)}`, location.origin).href;
}

export interface KeptRecord {
  /** SHA-256 of each file. */
  readonly files: readonly string[];
  /** A model folder's manifest.json, byte for byte. */
  readonly manifest: Uint8Array<ArrayBuffer>;
}

/** Null where the browser offers no storage to this page: everything then works, and nothing is kept. */
async function openCache(): Promise<Cache | null> {
  if (!('caches' in globalThis)) return null; // not a secure context
  try {
    return await caches.open(CACHE);
  } catch (error) {
    if (error instanceof DOMException) return null; // site data blocked, as in some private windows
    throw error;
  }
}

export async function getFile(sha256: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const response = await (await openCache())?.match(fileKey(sha256));
  return response === undefined ? undefined : new Uint8Array(await response.arrayBuffer());
}

/** Keeps a checked file; false where there is no storage. Throws StorageFullError, `name` being for its sentence. */
export async function putFile(
  sha256: string,
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): Promise<boolean> {
  return put(fileKey(sha256), new Response(bytes), name);
}

export async function dropFile(sha256: string): Promise<void> {
  await (await openCache())?.delete(fileKey(sha256));
}

export async function getRecord(owner: string): Promise<KeptRecord | undefined> {
  const response = await (await openCache())?.match(recordKey(owner));
  if (response === undefined) return undefined;
  return { files: recordedFiles(response), manifest: new Uint8Array(await response.arrayBuffer()) };
}

/** Call when every file of the record is kept. It takes the place of the owner's earlier record. */
export async function putRecord(owner: string, record: KeptRecord): Promise<boolean> {
  const headers = { [FILES_HEADER]: record.files.join(' ') };
  return put(recordKey(owner), new Response(record.manifest, { headers }), 'the list of the model’s files');
}

/** Puts a record in the place of the owner's earlier one, which `change` gets; no two of them at once, in whatever tab. */
export async function changeRecord(
  owner: string,
  change: (before: KeptRecord | undefined) => KeptRecord,
): Promise<boolean> {
  return whileChangingRecords(async () => putRecord(owner, change(await getRecord(owner))));
}

/** Forgets an owner's record and, unless another tab is loading a model, the files that no other record names. */
export async function dropRecord(owner: string): Promise<void> {
  await whileChangingRecords(async () => (await openCache())?.delete(recordKey(owner)));
  await forgetUnneededFiles();
}

async function whileChangingRecords<Result>(work: () => Promise<Result>): Promise<Result> {
  const locks = await lockManager();
  return locks === null ? work() : locks.request(RECORDS_LOCK, { mode: 'exclusive' }, work);
}

const FILES_HEADER = 'x-promptlens-files';

function recordedFiles(response: Response): string[] {
  return (response.headers.get(FILES_HEADER) ?? '').split(' ').filter((hash) => hash !== '');
}

function noteKey(owner: string): string {
  return new URL(`/promptlens-kept/note/${encodeURIComponent(owner)}`, location.origin).href;
}

/** What was noted about an owner: JSON that its reader has to check. Undefined where nothing was. */
export async function getNote(owner: string): Promise<unknown> {
  const response = await (await openCache())?.match(noteKey(owner));
  return response?.json();
}

export async function putNote(owner: string, note: unknown): Promise<boolean> {
  return put(noteKey(owner), Response.json(note), 'a note about the model');
}

async function put(key: string, response: Response, name: string): Promise<boolean> {
  const cache = await openCache();
  if (cache === null) return false;
  try {
    await cache.put(key, response);
    return true;
  } catch (error) {
    if (isQuotaError(error)) throw new StorageFullError(name);
    throw error;
  }
}

/** Runs `work` while no tab forgets files. */
export async function whileUsingFiles<Result>(work: () => Promise<Result>): Promise<Result> {
  const locks = await lockManager();
  return locks === null ? work() : locks.request(LOCK, { mode: 'shared' }, work);
}

/** Null where the page may have no locks, as where it may keep nothing: there is nothing to guard then. */
async function lockManager(): Promise<LockManager | null> {
  if (!('locks' in navigator)) return null; // not a secure context
  try {
    await navigator.locks.query();
    return navigator.locks;
  } catch (error) {
    if (error instanceof DOMException) return null; // SecurityError: site data blocked
    throw error;
  }
}

/** Forgets every file that no record names; leaves all as it is while another tab is loading a model. */
export async function forgetUnneededFiles(): Promise<void> {
  const locks = await lockManager();
  await locks?.request(LOCK, { ifAvailable: true }, async (lock) => {
    const cache = lock === null ? null : await openCache();
    if (cache === null) return;
    const needed = new Set<string>();
    const files: Request[] = [];
    for (const request of await cache.keys()) {
      if (request.url.startsWith(fileKey(''))) files.push(request);
      else
        for (const hash of recordedFiles((await cache.match(request)) ?? new Response()))
          needed.add(fileKey(hash));
    }
    await Promise.all(files.filter(({ url }) => !needed.has(url)).map((request) => cache.delete(request)));
  });
}

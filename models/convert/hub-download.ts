// Files of a hub's model onto this disk: gone on with where they were cut off, and none taken for whole before its length and the
// hash that the hub publishes agree.

import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseJson } from '../clip/checked.ts';
import { type HubFile, type HubModel, hubFileUrl, hubListUrl, parseHubListing } from '../clip/hub.ts';
import { hashFile } from '../files/hash-file.ts';

export interface HubOptions {
  readonly model: HubModel;
  readonly token?: string;
  /** Before the second, third … attempt at what was cut off or refused for being busy. */
  readonly pauses?: readonly number[];
  /** Ends what is on the way, with its reason. */
  readonly signal?: AbortSignal;
}

export interface DownloadOptions extends HubOptions {
  /** Where files go, by their paths. What is left of an earlier download is gone on with. */
  readonly folder: string;
  /** Bytes of all files that are there. */
  readonly onProgress?: (bytes: number) => void;
}

const PAUSES = [500, 2000, 5000];
/** The hub lists a thousand files a page, and a model has some dozens: a list without an end would be asked for without one. */
const MOST_PAGES = 100;

/** The token that the hub's own programs use: HF_TOKEN, or the file that `hf auth login` writes. */
export async function hubToken(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  if (env.HF_TOKEN) return env.HF_TOKEN;
  const home = env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface');
  const file = env.HF_TOKEN_PATH ?? join(home, 'token');
  return existsSync(file) ? (await readFile(file, 'utf8')).trim() || undefined : undefined;
}

export async function listHubFiles(hub: HubOptions): Promise<HubFile[]> {
  const { model } = hub;
  const name = `The list of files of ${model.id}`;
  const files: HubFile[] = [];
  let url: string | undefined = hubListUrl(model);
  for (let pages = 0; url !== undefined; pages++) {
    if (pages === MOST_PAGES) throw new Error(`${name} was refused: it has more than ${MOST_PAGES} pages.`);
    const response: Response = await ask(url, name, hub);
    files.push(...parseHubListing(parseJson(new Uint8Array(await response.arrayBuffer()), name), name));
    url = nextPage(response, model);
  }
  return files;
}

/** A long list comes in pages, of which each names the next (RFC 8288). */
function nextPage(response: Response, { endpoint }: HubModel): string | undefined {
  const next = response.headers.get('link')?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
  if (next === undefined) return undefined;
  const url = new URL(next, endpoint);
  if (url.origin !== new URL(endpoint).origin)
    throw new Error(`${endpoint} was refused: it has its list go on at ${url.origin}.`);
  return url.href;
}

/** All of `files`, one after the other. Rejects with a sentence; what has come by then is kept and gone on with. */
export async function downloadHubFiles(files: readonly HubFile[], options: DownloadOptions): Promise<void> {
  let before = 0;
  for (const file of files) {
    await downloadFile(file, { ...options, onProgress: (bytes) => options.onProgress?.(before + bytes) });
    before += file.bytes;
  }
}

async function downloadFile(file: HubFile, options: DownloadOptions): Promise<void> {
  const { model, folder, pauses = PAUSES, signal, onProgress } = options;
  const path = join(folder, file.path);
  const part = `${path}.part`;
  if (await isWhole(path, file)) {
    onProgress?.(file.bytes);
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  for (let attempt = 0; ; attempt++) {
    const have = await lengthOf(part);
    if (have === file.bytes && existsSync(part)) break;
    try {
      await append(part, have > file.bytes ? 0 : have, file, options);
    } catch (error) {
      if (!(error instanceof CutOff) || attempt >= pauses.length) throw error;
      await pause(pauses[attempt], signal);
    }
  }
  const found = await hashOf(part, file);
  if (found !== file.hash.hex) {
    await rm(part);
    throw new Error(
      `${file.path} of ${model.id} was refused: its ${HASH_NAMES[file.hash.kind]} is ${found}, the hub publishes ${file.hash.hex}. It was deleted; try again, and where that does not help ask whoever runs ${model.endpoint}.`,
    );
  }
  await rename(part, path);
}

/** A connection that ended early, or did not come about: what has come stays. */
class CutOff extends Error {}

/** Asks for what is missing of a file and writes it behind what is there. */
async function append(part: string, have: number, file: HubFile, options: DownloadOptions): Promise<void> {
  const { model, signal, onProgress } = options;
  const name = `${file.path} of ${model.id}`;
  const url = hubFileUrl(model, file.path);
  const response = await ask(url, name, options, have > 0 ? { range: `bytes=${have}-` } : {});
  if (isPage(response) && !file.path.endsWith('.html')) {
    await response.body?.cancel();
    throw new Error(
      `${name} was refused: ${model.endpoint} answered with a page of HTML. Is there a sign-in between this machine and the hub?`,
    );
  }
  // Status 204: what has come already is not emptied for it.
  if (response.body === null && have < file.bytes) throw new CutOff(cutOff(name, have, file.bytes));
  // A server that knows no ranges sends all of it.
  const start = response.status === 206 ? have : 0;
  if (start > 0 && !response.headers.get('content-range')?.startsWith(`bytes ${start}-`)) {
    await response.body?.cancel();
    await rm(part);
    throw new CutOff(
      `${name} came from another byte on than ${start}. It is fetched anew by the same command.`,
    );
  }
  const handle = await open(part, start > 0 ? 'a' : 'w');
  let written = start;
  try {
    if (!response.body) return;
    for await (const piece of response.body) {
      if (written + piece.length > file.bytes) {
        throw new Error(
          `${name} was refused: more than the ${file.bytes} bytes came that the hub lists. Try again later.`,
        );
      }
      await handle.writeFile(piece).catch((cause: Error) => {
        throw new Error(
          `${part} could not be written: ${cause.message}. What has come is kept; the same command goes on.`,
          { cause },
        );
      });
      written += piece.length;
      onProgress?.(written);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof TypeError) throw new CutOff(cutOff(name, written, file.bytes), { cause });
    throw cause;
  } finally {
    await handle.close();
  }
  if (written < file.bytes) throw new CutOff(cutOff(name, written, file.bytes));
}

/** Before another attempt; rejects with the signal's own reason, and not with one about a timer. */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await wait(milliseconds, undefined, { signal }).catch((error: Error) => {
    signal?.throwIfAborted();
    throw error;
  });
}

const cutOff = (name: string, written: number, bytes: number) =>
  `${name} was cut off after ${written} of ${bytes} bytes. What has come is kept; the same command goes on.`;

const isPage = (response: Response): boolean =>
  response.headers.get('content-type')?.includes('text/html') === true;

/** Rejects with a sentence where the answer is no success; one that may pass is waited for. */
async function ask(
  url: string,
  name: string,
  { model, token, pauses = PAUSES, signal }: HubOptions,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const response = await fetch(url, {
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      signal,
    }).catch((cause: Error) => {
      signal?.throwIfAborted();
      throw new CutOff(
        `${model.endpoint} could not be reached: ${reasonOf(cause)}. Is this machine online? A checkpoint that is already here is imported by its path.`,
        { cause },
      );
    });
    if (response.ok) return response;
    await response.body?.cancel();
    if (attempt < pauses.length && (response.status === 429 || response.status >= 500)) {
      await pause(pauses[attempt], signal);
      continue;
    }
    throw new Error(
      `${name} could not be had from ${model.endpoint}: ${sentenceOf(response.status, model, token)}`,
    );
  }
}

function sentenceOf(status: number, { id, revision }: HubModel, token: string | undefined): string {
  switch (status) {
    case 401:
    case 403:
      return `it answered ${status}. ${token === undefined ? `If ${id} is private or gated, put a token into HF_TOKEN; a name that does not exist is answered so too` : 'The token may not read it; see whether its terms were accepted on the hub'}.`;
    case 404:
      return `there is no ${id} with a ${revision}. See whether the name is written as on the hub.`;
    case 429:
    case 503:
      return `it is busy (${status}). Try again later; what has come is kept.`;
    default:
      return `it answered ${status}. Try again later; what has come is kept.`;
  }
}

/** fetch hides why it failed one error further down. */
function reasonOf({ message, cause }: Error): string {
  return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message;
}

const HASH_NAMES = { sha256: 'SHA-256', git: 'git hash' } as const;

async function hashOf(path: string, { hash, bytes }: HubFile): Promise<string> {
  if (hash.kind === 'sha256') return (await hashFile(path, 'sha256')).sha256;
  // As git names a file: its length stands before its bytes.
  return (await hashFile(path, 'sha1', `blob ${bytes}\0`)).sha1;
}

async function lengthOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

async function isWhole(path: string, file: HubFile): Promise<boolean> {
  return (
    existsSync(path) && (await lengthOf(path)) === file.bytes && (await hashOf(path, file)) === file.hash.hex
  );
}

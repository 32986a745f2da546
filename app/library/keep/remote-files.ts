// The files of a model on another server, in the worker whose policy alone lets it ask there: which there are, and their bytes, gone on
// with where they were cut off.

import { parseJson } from '../../../models/clip/checked.ts';
import { PRECISIONS, possibleEncoderPaths } from '../../../models/clip/encoder-files.ts';
import {
  type HubFile,
  type HubModel,
  hubFileUrl,
  hubListUrl,
  parseHubListing,
} from '../../../models/clip/hub.ts';
import { parseManifest } from '../../../models/clip/manifest.ts';
import { DESCRIPTIONS } from '../../../models/clip/wanted-files.ts';
import { watchProgress } from '../../inference/download.ts';
import type { Source } from './source.ts';

export interface RemoteFile {
  readonly path: string;
  readonly url: string;
  /** About, where there is no hash: a server that compresses says how long the compressed file is. */
  readonly bytes: number;
  /** Null where the server publishes none. */
  readonly hash: HubFile['hash'] | null;
}

/** Of a file whose length no hash vouches for: what WebAssembly can hold. */
const MAX_BYTES = 4e9;

/** Where a file of this device is written: what is needed of a FileSystemSyncAccessHandle. */
export interface Sink {
  getSize(): number;
  truncate(size: number): void;
  write(piece: Uint8Array<ArrayBuffer>, options: { readonly at: number }): void;
  flush(): void;
}

/** What a model holds. Rejects with a sentence where it cannot be had. */
export function listRemoteFiles(source: Source): Promise<RemoteFile[]> {
  return source.kind === 'hub' ? listHub(source.model) : listFolder(source.url);
}

async function listHub(model: HubModel): Promise<RemoteFile[]> {
  const name = `The list of files of ${model.id}`;
  const response = await ask(hubListUrl(model), name);
  const listing = parseJson(new Uint8Array(await response.arrayBuffer()), name);
  return parseHubListing(listing, name).map(({ path, bytes, hash }) => ({
    path,
    bytes,
    hash,
    url: hubFileUrl(model, path),
  }));
}

/** By its manifest.json; where it has none, by asking for each file that a model may have. */
async function listFolder(url: string): Promise<RemoteFile[]> {
  const manifest = await ask(new URL('manifest.json', url).href, 'manifest.json').catch(orAbsent);
  if (manifest !== null) {
    const bytes = new Uint8Array(await manifest.arrayBuffer());
    return parseManifest(bytes, `${url}manifest.json`).files.map((file) => ({
      path: file.path,
      bytes: file.bytes,
      hash: { kind: 'sha256', hex: file.sha256 },
      url: new URL(file.path, url).href,
    }));
  }
  const encoders = PRECISIONS.flatMap((precision) => [
    possibleEncoderPaths('vision_model', precision),
    possibleEncoderPaths('text_model', precision),
  ]);
  const series = [...DESCRIPTIONS.map((path) => [path]), ...encoders];
  return (await Promise.all(series.map((paths) => probeSeries(paths, url)))).flat();
}

/** Those that are there, up to the first that is not. */
async function probeSeries(paths: readonly string[], folder: string): Promise<RemoteFile[]> {
  const found: RemoteFile[] = [];
  for (const path of paths) {
    const file = await probe(path, folder);
    if (file === null) break;
    found.push(file);
  }
  return found;
}

async function probe(path: string, folder: string): Promise<RemoteFile | null> {
  const url = new URL(path, folder).href;
  const response = await ask(url, path, { method: 'HEAD' }).catch(orAbsent);
  if (response === null) return null;
  const bytes = Number(response.headers.get('content-length'));
  if (Number.isSafeInteger(bytes) && bytes > 0) return { path, url, bytes, hash: null };
  throw new Error(
    `${url} could not be added: the server does not say how long it is. Download the folder and add it from this device.`,
  );
}

/** The file is not there. What else goes wrong is no answer to whether it is. */
class AbsentError extends Error {}

function orAbsent(error: unknown): null {
  if (error instanceof AbsentError) return null;
  throw error;
}

/** The connection ended early; what has come stays. */
class CutOffError extends Error {}

/** Milliseconds before the next attempt, by how many brought nothing. */
const PAUSES = [1_000, 3_000, 8_000];

/** Writes what is missing of a file behind what is there; `onBytes` hears of each piece. Throws a sentence. */
export async function receiveFile(
  file: RemoteFile,
  sink: Sink,
  onBytes: (bytes: number) => void,
  pauses = PAUSES,
): Promise<void> {
  // Without a hash nobody could tell whether what is here is the beginning of what is there.
  if (file.hash === null || sink.getSize() > file.bytes) sink.truncate(0);
  onBytes(sink.getSize());
  for (let inVain = 0; file.hash === null || sink.getSize() < file.bytes; ) {
    const before = sink.getSize();
    try {
      await append(file, sink, onBytes);
      if (file.hash === null) return;
    } catch (error) {
      inVain = sink.getSize() > before ? 0 : inVain + 1;
      const pause = pauses[inVain];
      if (!(error instanceof CutOffError) || pause === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    } finally {
      sink.flush();
    }
  }
}

async function append(file: RemoteFile, sink: Sink, onBytes: (bytes: number) => void): Promise<void> {
  const have = sink.getSize();
  const watch = watchProgress();
  let written = have;
  try {
    const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
    const response = await ask(file.url, file.path, { headers, signal: watch.signal });
    // A server that knows no ranges sends all of it again.
    if (have > 0 && response.status !== 206) {
      sink.truncate(0);
      onBytes(-have);
      written = 0;
    }
    const reader = response.body?.getReader();
    for (;;) {
      const { done, value: piece } = (await reader?.read()) ?? { done: true };
      if (done || piece === undefined) break;
      watch.progress();
      if (written + piece.length > (file.hash === null ? MAX_BYTES : file.bytes)) {
        throw new Error(
          `${file.path} was refused: more than the ${file.hash === null ? MAX_BYTES : file.bytes} bytes came that it may have. Try again later.`,
        );
      }
      sink.write(piece, { at: written });
      written += piece.length;
      onBytes(piece.length);
    }
  } catch (cause) {
    // What fetch throws when a connection ends, or that we ended it since nothing came any more. A full disk is neither.
    if (!(cause instanceof TypeError || watch.signal.aborted)) throw cause;
    throw new CutOffError(cutOff(file, written), { cause });
  } finally {
    watch.end();
  }
  if (file.hash !== null && written < file.bytes) throw new CutOffError(cutOff(file, written));
}

const cutOff = ({ path, bytes }: RemoteFile, written: number) =>
  `${path} was cut off after ${written} of ${bytes} bytes. What has come is kept: add the model again in the same precision, and it goes on from there.`;

/** An answer with the file in it. Throws a sentence. */
async function ask(url: string, name: string, init: RequestInit = {}): Promise<Response> {
  const { host } = new URL(url);
  let response: Response;
  try {
    // Nothing of this site or visitor goes along.
    response = await fetch(url, {
      ...init,
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new CutOffError(
      `${host} could not be reached for ${name}: the network is off, the server is away, or it lets no other site's page read its files.`,
      { cause },
    );
  }
  if (!response.ok) throw refusal(response.status, host, name);
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    throw new AbsentError(
      `${name} is not on ${host}: it answered with a web page. Is there a sign-in between this device and the server?`,
    );
  }
  return response;
}

function refusal(status: number, host: string, name: string): Error {
  const answer = `${name} could not be had from ${host}: it answered ${status}.`;
  switch (status) {
    case 401:
    case 403:
      return new AbsentError(
        `${answer} The model is private, wants its terms accepted there first, or does not exist. Download it yourself and add its folder.`,
      );
    case 404:
      return new AbsentError(`${answer} See whether the name is written as on the server.`);
    case 429:
    case 503:
      return new CutOffError(`${answer} It is busy: try again later. What has come is kept.`);
    default:
      return new Error(`${answer} Try again later. What has come is kept.`);
  }
}

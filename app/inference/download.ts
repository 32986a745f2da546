// One file over the network, checked before anybody may use or keep it: type, length, SHA-256. Every way in which that
// can fail is a sentence that names the file and says what to do.

import { sha256 } from '../../models/clip/manifest.ts';

/** What a file should be, by manifest.json or, for the runtime, by the build. */
export interface ExpectedFile {
  /** For messages: its path in the folder, or its plain name. */
  readonly name: string;
  readonly url: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export type OnBytes = (bytes: number) => void;

/** The file could not be had, or is not what it should be. Only a device that needs other files can help. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
}

/** The server is out of reach or out of order: what this device has kept speaks for it. */
export class UnreachableError extends DownloadError {}

/**
 * A connection that brings nothing for this long has died without a word, as on a train or behind a dead access point. A slow
 * one brings something every second.
 */
export const STALLED_AFTER_MS = 20_000;

/** Downloads and checks one file; `onBytes` hears of each piece. Throws DownloadError. */
export async function download(file: ExpectedFile, onBytes: OnBytes): Promise<Uint8Array<ArrayBuffer>> {
  const watch = watchProgress();
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    // no-store: what is checked here is kept by us, and the HTTP cache would hold it a second time.
    const response = await request(file.name, file.url, { cache: 'no-store', signal: watch.signal });
    bytes = await receive(file, response, (piece) => {
      watch.progress();
      onBytes(piece);
    });
  } finally {
    watch.end();
  }
  const found = await sha256(bytes);
  if (found !== file.sha256) {
    throw new DownloadError(
      `${file.name} is damaged: its SHA-256 is ${found} where ${file.sha256} was expected. ` +
        'Load the model again; if it stays so, the file on the server has to be replaced.',
    );
  }
  return bytes;
}

/** A folder's manifest.json, fresh from the server. Throws DownloadError: UnreachableError where a kept one will do. */
export async function downloadManifest(folderUrl: string): Promise<Uint8Array<ArrayBuffer>> {
  const url = new URL('manifest.json', folderUrl).href;
  const watch = watchProgress();
  try {
    const name = `${url} (the list of the model’s files)`;
    const response = await request(name, url, { cache: 'no-cache', signal: watch.signal });
    return await responseBytes(name, response);
  } finally {
    watch.end();
  }
}

async function responseBytes(name: string, response: Response): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new UnreachableError(`The download of ${name} broke off.`, { cause: error });
  }
}

export interface ProgressWatch {
  /** Fires when nothing came for too long. */
  readonly signal: AbortSignal;
  progress(): void;
  end(): void;
}

export function watchProgress(): ProgressWatch {
  const controller = new AbortController();
  const stalled = () =>
    controller.abort(new DOMException('Nothing came over the connection any more.', 'TimeoutError'));
  let timer = setTimeout(stalled, STALLED_AFTER_MS);
  return {
    signal: controller.signal,
    progress() {
      clearTimeout(timer);
      timer = setTimeout(stalled, STALLED_AFTER_MS);
    },
    end: () => clearTimeout(timer),
  };
}

async function request(name: string, url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    throw new UnreachableError(
      `${name} could not be downloaded: the network is off or the server did not answer.`,
      {
        cause: error,
      },
    );
  }
  checkResponse(name, response);
  return response;
}

function checkResponse(name: string, response: Response): void {
  if (!response.ok) {
    const Kind = response.status >= 500 ? UnreachableError : DownloadError;
    throw new Kind(
      `${name} could not be downloaded: the server answered ${response.status} ${response.statusText}`.trim() +
        '.',
    );
  }
  // Static hosts answer a missing file with their start page and status 200.
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    throw new DownloadError(
      `${name} is not on the server: it answered with a web page instead of the file. Upload the model folder again.`,
    );
  }
}

async function receive(
  file: ExpectedFile,
  response: Response,
  onBytes: OnBytes,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(file.bytes);
  let received = 0;
  if (response.body === null) throw wrongLength(file, 'no');
  const reader = response.body.getReader();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (received + piece.value.length > file.bytes) {
        await reader.cancel();
        throw wrongLength(file, `more than ${file.bytes}`);
      }
      bytes.set(piece.value, received);
      received += piece.value.length;
      onBytes(piece.value.length);
    }
  } catch (error) {
    if (error instanceof DownloadError) throw error;
    throw new DownloadError(
      `The download of ${file.name} broke off after ${received} of ${file.bytes} bytes. Load the model again.`,
      { cause: error },
    );
  }
  if (received !== file.bytes) throw wrongLength(file, String(received));
  return bytes;
}

function wrongLength(file: ExpectedFile, found: string): DownloadError {
  return new DownloadError(
    `${file.name} is damaged: it has ${found} bytes where ${file.bytes} were expected. ` +
      'Load the model again; if it stays so, the file on the server has to be replaced.',
  );
}

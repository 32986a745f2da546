import { createHash } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DownloadError, download, downloadManifest, STALLED_AFTER_MS, UnreachableError } from './download.ts';

const content = new Uint8Array(200_000).map((_, i) => i % 251);
const sha256 = createHash('sha256').update(content).digest('hex');
let server: Server | undefined;

/** The expectation for a file that a host serves by `listener`. */
async function host(listener: RequestListener) {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(started.address() as AddressInfo).port}/models/mini/`;
  return { folder: url, file: { name: 'mini/a.onnx', url: `${url}a.onnx`, bytes: content.length, sha256 } };
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

describe('download', () => {
  it('gives a file that is what it should be, and tells of every byte', async () => {
    const { file } = await host((_, response) => response.end(content));
    let heard = 0;
    const bytes = await download(file, (piece) => {
      heard += piece;
    });
    expect(bytes).toEqual(content);
    expect(heard).toBe(content.length);
  });

  const bad: [string, RequestListener, RegExp][] = [
    ['one flipped bit', (_, r) => r.end(content.with(7, 255)), /a\.onnx is damaged: its SHA-256 is/],
    ['a file cut short', (_, r) => r.end(content.subarray(0, 99)), /damaged: it has 99 bytes where 200000/],
    ['a longer file', (_, r) => r.end(Buffer.concat([content, content])), /damaged: it has more than 200000/],
    ['an empty answer', (_, r) => r.writeHead(204).end(), /damaged: it has no bytes/],
    ['a missing file', (_, r) => r.writeHead(404).end('gone'), /could not be downloaded: .* 404 Not Found\./],
    [
      'a start page in the place of a missing file',
      (_, r) => r.setHeader('Content-Type', 'text/html; charset=utf-8').end('<!doctype html>'),
      /is not on the server: it answered with a web page/,
    ],
    [
      'a connection that breaks',
      (_, r) => {
        r.writeHead(200, { 'Content-Length': content.length });
        r.write(content.subarray(0, 5000), () => r.destroy());
      },
      /broke off after \d+ of 200000 bytes/,
    ],
  ];
  it.each(bad)('refuses %s', async (_, listener, sentence) => {
    const { file } = await host(listener);
    await expect(download(file, () => {})).rejects.toMatchObject({
      name: 'DownloadError',
      message: expect.stringMatching(sentence),
    });
  });

  it('says so when nobody answers', async () => {
    const { file } = await host(() => {});
    server?.close();
    const refused = { ...file, url: file.url.replace(/:\d+/, ':1') };
    await expect(download(refused, () => {})).rejects.toThrow(
      /the network is off or the server did not answer/,
    );
  });
});

/** A host that begins to answer, and then nothing more comes. */
async function stalling(begin: Uint8Array) {
  let asked = () => {};
  const begun = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const hosted = await host((_, response) => {
    response.writeHead(200, { 'Content-Length': content.length });
    response.write(begin, () => asked());
  });
  return { ...hosted, begun };
}

describe('a connection over which nothing comes any more', () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    ['a file', async ({ file }: Awaited<ReturnType<typeof host>>) => download(file, () => {})],
    ['a manifest', async ({ folder }: Awaited<ReturnType<typeof host>>) => downloadManifest(folder)],
  ])('is given up: %s', async (_, start) => {
    const hosted = await stalling(content.subarray(0, 5000));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const failure = expect(start(hosted)).rejects.toMatchObject({
      name: 'DownloadError',
      message: expect.stringMatching(/broke off|did not answer/),
    });
    await hosted.begun;
    vi.advanceTimersByTime(STALLED_AFTER_MS);
    await failure;
  });
});

describe('downloadManifest', () => {
  it('gives the bytes, and refuses a start page', async () => {
    const { folder } = await host((request, response) => {
      if (request.url === '/models/mini/manifest.json') response.end('{"files":[]}');
      else response.setHeader('Content-Type', 'text/html').end('<!doctype html>');
    });
    expect(new TextDecoder().decode(await downloadManifest(folder))).toBe('{"files":[]}');
    await expect(downloadManifest(new URL('../none/', folder).href)).rejects.toThrow(/web page instead/);
  });

  it('tells a server that is out of reach or out of order from one that has no such folder', async () => {
    let status = 503;
    const { folder } = await host((_, response) => response.writeHead(status).end());
    await expect(downloadManifest(folder)).rejects.toBeInstanceOf(UnreachableError);
    await expect(downloadManifest('http://127.0.0.1:1/models/mini/')).rejects.toBeInstanceOf(
      UnreachableError,
    );
    status = 404;
    const gone = downloadManifest(folder);
    await expect(gone).rejects.toBeInstanceOf(DownloadError);
    await expect(gone).rejects.not.toBeInstanceOf(UnreachableError);
  });
});

// A hub on loopback that answers as huggingface.co does: lists of files with their hashes, and the files, by ranges. What goes wrong with
// a model is in its name.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Sound; the others are the same model with one thing wrong. */
export const ON_HUB = 'tests/tiny';
/** The connection ends in the middle of each file, unless the middle is where it began. */
export const CUT_OFF = 'tests/cut-off';
export const WRONG_HASH = 'tests/wrong-hash';
/** A sign-in page where the file should be. */
export const SIGN_IN = 'tests/sign-in';
export const BUSY = 'tests/busy';
/** Lists more bytes than it sends. */
export const SHORT = 'tests/short';
/** Sends the first half of an image encoder and then nothing, until it is asked for the rest. */
export const STUCK = 'tests/stuck';

/** All alike. */
const REVISIONS = ['main', 'refs/pr/1'];
const MODELS = [ON_HUB, CUT_OFF, WRONG_HASH, SIGN_IN, BUSY, SHORT, STUCK];

/** What our own folders have beside a hub's. */
const OURS_ALONE = ['manifest.json', 'selftest.json', 'model.safetensors'];

/** What takes the place of a file's bytes in a hub's answer: which ranges of it were asked for. */
const RANGES = 'ranges';

/** The ranges of a file that a hub was asked for so far, in their order; null for all of it. */
export async function askedRanges(hub: string, id: string, path: string): Promise<(string | null)[]> {
  const response = await fetch(`${hub}/${id}/resolve/main/${path}?${RANGES}`);
  return response.json();
}

/** @param folder the model that it publishes */
export async function serveHub(folder: string): Promise<{ url: string; close: () => Promise<void> }> {
  const files = new Map<string, Buffer>();
  for (const path of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const name = `${path.parentPath}/${path.name}`.slice(folder.length + 1);
    if (path.isFile() && !OURS_ALONE.includes(name)) files.set(name, await readFile(`${folder}/${name}`));
  }
  files.set('README.md', Buffer.from('---\nlicense: mit\n---\n# Tiny\n'));

  const list = (id: string) =>
    [...files].map(([path, content]) => {
      const size = content.length + (id === SHORT && path.endsWith('.onnx') ? 100 : 0);
      const sha256 = createHash('sha256')
        .update(id === WRONG_HASH ? 'other' : content)
        .digest('hex');
      const oid = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
      return { type: 'file', path, size, oid, ...(path.endsWith('.onnx') && { lfs: { oid: sha256, size } }) };
    });

  const send = (response: ServerResponse, id: string, path: string, range: string | undefined) => {
    const content = files.get(path);
    if (content === undefined) return void response.writeHead(404).end();
    if (id === SIGN_IN)
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<form></form>');
    if (id === BUSY) return void response.writeHead(503).end();
    const start = Number(range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
    const rest = content.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'content-length': rest.length,
      ...(start > 0 && { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }),
    });
    const isCut = id === CUT_OFF || (id === STUCK && path.startsWith('onnx/vision_model'));
    if (!isCut || start > 0) return void response.end(rest);
    response.write(rest.subarray(0, rest.length >> 1));
    // Once it has arrived: a connection that is reset takes with it what nobody has read.
    if (id === CUT_OFF) setTimeout(() => response.destroy(), 100);
  };

  /** By the address of a file. */
  const asked = new Map<string, (string | null)[]>();

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://hub');
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Allow-Headers', 'range');
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    const id = MODELS.find((model) => pathname.includes(model));
    if (id === undefined) return void response.writeHead(404).end();
    const json = (content: unknown) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    const [, revision] = pathname.match(/\/(?:tree|resolve)\/([^/]+)/) ?? [];
    if (revision === undefined || !REVISIONS.includes(decodeURIComponent(revision)))
      return void response.writeHead(404).end();
    if (pathname === `/api/models/${id}/tree/${revision}`) return json(list(id));
    const file = `/${id}/resolve/${revision}/`;
    if (!pathname.startsWith(file)) return void response.writeHead(404).end();
    const before = asked.get(pathname) ?? [];
    if (searchParams.has(RANGES)) return json(before);
    const { range } = request.headers;
    asked.set(pathname, [...before, range ?? null]);
    send(response, id, decodeURIComponent(pathname.slice(file.length)), range);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

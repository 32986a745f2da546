import { afterEach, expect, it, vi } from 'vitest';
import { listRemoteFiles, type RemoteFile, receiveFile, type Sink } from './remote-files.ts';

afterEach(() => vi.unstubAllGlobals());

const CONTENT = Uint8Array.from({ length: 1_000 }, (_, i) => i % 251);
const FILE: RemoteFile = {
  path: 'onnx/a.onnx',
  url: 'https://hub.example/a',
  bytes: 1_000,
  hash: { kind: 'sha256', hex: '0'.repeat(64) },
};
const QUICK = [1, 1, 1];

/** A file in memory, as a browser's private file system has it. */
function memory(start = new Uint8Array()): Sink & { bytes(): Uint8Array } {
  let bytes = start;
  return {
    bytes: () => bytes,
    getSize: () => bytes.length,
    truncate: (size) => {
      bytes = bytes.slice(0, size);
    },
    write: (piece, { at }) => {
      const next = new Uint8Array(Math.max(bytes.length, at + piece.length));
      next.set(bytes);
      next.set(piece, at);
      bytes = next;
    },
    flush: () => {},
  };
}

/** Sends `length` bytes from where it is asked to, and then ends the connection as one that broke. */
function stubServer(length: number, ranges = true) {
  const asked: (string | null)[] = [];
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    const range = new Headers(init.headers).get('range');
    asked.push(range);
    const start = ranges ? Number(range?.match(/\d+/)?.[0] ?? 0) : 0;
    const piece = CONTENT.slice(start, start + length);
    let sent = piece.length === 0;
    const body = new ReadableStream({
      pull(controller) {
        if (!sent) controller.enqueue(piece);
        else if (start + length >= CONTENT.length) controller.close();
        else controller.error(new TypeError('network error'));
        sent = true;
      },
    });
    return new Response(body, { status: ranges && start > 0 ? 206 : 200 });
  });
  return asked;
}

it('goes on where a connection broke, as often as something came', async () => {
  const asked = stubServer(150);
  const sink = memory();
  let heard = 0;
  await receiveFile(FILE, sink, (bytes) => (heard += bytes), QUICK);
  expect(sink.bytes()).toEqual(CONTENT);
  expect(heard).toBe(1_000);
  expect(asked).toEqual([
    null,
    'bytes=150-',
    'bytes=300-',
    'bytes=450-',
    'bytes=600-',
    'bytes=750-',
    'bytes=900-',
  ]);
});

it('goes on with what an earlier visit left, and begins anew where that is too long', async () => {
  const asked = stubServer(1_000);
  const half = memory(CONTENT.slice(0, 500));
  await receiveFile(FILE, half, () => {}, QUICK);
  expect(half.bytes()).toEqual(CONTENT);
  const long = memory(new Uint8Array(2_000));
  await receiveFile(FILE, long, () => {}, QUICK);
  expect(long.bytes()).toEqual(CONTENT);
  expect(asked).toEqual(['bytes=500-', null]);
});

it('takes nothing on trust where no hash would tell, neither what is here nor how long it is to be', async () => {
  const asked = stubServer(1_000);
  const sink = memory(new Uint8Array(500));
  await receiveFile({ ...FILE, hash: null, bytes: 700 }, sink, () => {}, QUICK);
  expect(sink.bytes()).toEqual(CONTENT);
  expect(asked).toEqual([null]);
});

it('goes on after the network was away for a moment', async () => {
  stubServer(1_000);
  const answer = globalThis.fetch;
  let calls = 0;
  vi.stubGlobal('fetch', async (...args: Parameters<typeof fetch>) => {
    calls += 1;
    if (calls <= 2) throw new TypeError('Failed to fetch');
    return answer(...args);
  });
  const sink = memory();
  await receiveFile(FILE, sink, () => {}, QUICK);
  expect(sink.bytes()).toEqual(CONTENT);
});

it('begins anew where a server knows no ranges', async () => {
  stubServer(1_000, false);
  const sink = memory(new Uint8Array(300));
  let heard = 0;
  await receiveFile(FILE, sink, (bytes) => (heard += bytes), QUICK);
  expect(sink.bytes()).toEqual(CONTENT);
  expect(heard).toBe(1_000);
});

it('gives up after attempts that brought nothing, and keeps what came', async () => {
  stubServer(0);
  const sink = memory(CONTENT.slice(0, 400));
  await expect(receiveFile(FILE, sink, () => {}, QUICK)).rejects.toThrow(
    'onnx/a.onnx was cut off after 400 of 1000 bytes. What has come is kept: add the model again in the same precision, and it goes on from there.',
  );
  expect(sink.getSize()).toBe(400);
});

it('does not take a full disk for a connection that broke', async () => {
  const asked = stubServer(1_000);
  const full = new DOMException('No room.', 'QuotaExceededError');
  const sink = memory();
  sink.write = () => {
    throw full;
  };
  await expect(receiveFile(FILE, sink, () => {}, QUICK)).rejects.toBe(full);
  expect(asked).toHaveLength(1);
});

it('asks for a model’s files without a word about the visitor', async () => {
  const inits: RequestInit[] = [];
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    inits.push(init);
    return Response.json([{ type: 'file', path: 'config.json', size: 5, oid: '0'.repeat(40) }]);
  });
  const model = { endpoint: 'https://hub.example', id: 'a/b', revision: 'main' };
  expect(await listRemoteFiles({ kind: 'hub', model })).toEqual([
    {
      path: 'config.json',
      bytes: 5,
      hash: { kind: 'git', hex: '0'.repeat(40) },
      url: 'https://hub.example/a/b/resolve/main/config.json',
    },
  ]);
  expect(inits).toMatchObject([{ credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store' }]);
});

it('finds the files of a folder without a manifest by asking for each', async () => {
  const there = new Map([
    ['config.json', 10],
    ['onnx/vision_model.onnx', 20],
    ['onnx/vision_model.onnx_data', 30],
    ['onnx/vision_model.onnx_data_1', 40],
    ['onnx/vision_model.onnx_data_2', 50],
  ]);
  vi.stubGlobal('fetch', async (url: string, { method }: RequestInit) => {
    const bytes = there.get(url.slice('https://models.example/tiny/'.length));
    if (method !== 'HEAD' || bytes === undefined) return new Response(null, { status: 404 });
    return new Response(null, { headers: { 'content-length': String(bytes) } });
  });
  const found = await listRemoteFiles({ kind: 'folder', url: 'https://models.example/tiny/' });
  expect(found.map(({ path, bytes }) => [path, bytes])).toEqual([...there]);
});

// A hub on loopback that can be told to misbehave.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readModelFolder } from '../clip/model-folder.ts';
import type { Precision } from '../clip/types.ts';
import { learnVocabulary } from '../clip/vocabulary.ts';
import { directorySource, writeFileWhole } from '../files/folder.ts';
import { openModel } from '../inference/model.ts';
import { exportModel } from './export.ts';
import { trainedFolder } from './fixtures/trained-folder.ts';
import { hubToken, listHubFiles } from './hub-download.ts';
import { importModel } from './import.ts';
import { importFromHub } from './import-hub.ts';

const ID = 'someone/small-clip';
const FIXTURE = join(import.meta.dirname, 'fixtures/vision-transformer-training.pt');

let folder: string;
let files: ReadonlyMap<string, Buffer>;
let server: Server;
let endpoint: string;
/** What the server does instead of answering well; true where it has answered. */
let misbehave: (request: IncomingMessage, response: ServerResponse) => boolean;
let asked: { path: string; range: string | undefined; authorization: string | undefined }[];

const at = (...parts: string[]) => join(folder, ...parts);
const sha = (kind: string, ...parts: (string | Buffer)[]) => {
  const sum = createHash(kind);
  for (const part of parts) sum.update(part);
  return sum.digest('hex');
};
const listing = () =>
  [...files].map(([path, content]) => ({
    type: 'file',
    path,
    size: content.length,
    oid: sha('sha1', `blob ${content.length}\0`, content),
    // As the hub keeps them apart from git.
    ...(/\.(?:safetensors|onnx)$/.test(path) && {
      lfs: { oid: sha('sha256', content), size: content.length },
    }),
  }));

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(request.url ?? '');
  const { range, authorization } = request.headers;
  asked.push({ path, range, authorization });
  if (misbehave(request, response)) return;
  if (path.startsWith('/api/')) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify([{ type: 'directory', path: 'onnx' }, ...listing()]));
    return;
  }
  const content = files.get(path.replace(`/${ID}/resolve/main/`, ''));
  if (!content) {
    response.writeHead(404).end();
    return;
  }
  const start = Number(range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
  if (start > 0)
    response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
  response.end(content.subarray(start));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hub-'));
  await writeFile(at('tokenizer.json'), JSON.stringify(learnVocabulary([], { vocabSize: 514 })));
  await importModel({ source: FIXTURE, out: at('published'), tokenizer: folder });
  const names = await readdir(at('published'));
  files = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(at('published', name))] as const)),
  );
  server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  misbehave = () => false;
  asked = [];
});
afterEach(async () => {
  for (const name of ['out', '.out.download']) await rm(at(name), { recursive: true, force: true });
});

const run = ({
  token,
  pauses = [],
  from = endpoint,
  ...options
}: {
  token?: string;
  pauses?: number[];
  from?: string;
  precisions?: readonly Precision[];
  finish?: (folder: string) => Promise<void>;
  signal?: AbortSignal;
} = {}) => {
  const seen: number[] = [];
  let total = 0;
  return importFromHub({
    ...options,
    out: at('out'),
    hub: { model: { endpoint: from, id: ID, revision: 'main' }, token, pauses },
    showing: async (bytes, download) => {
      total = bytes;
      await download((done) => seen.push(done));
    },
  }).then(() => ({ seen, total }));
};
/** Ends a connection when what it sent lies on the disk: what is on the way then is lost, more or less of it. */
const destroyOnceWritten = (response: ServerResponse, bytes: number) =>
  onceWritten(bytes, () => response.destroy());
async function onceWritten(bytes: number, act: () => void): Promise<void> {
  const { size } = await stat(at('.out.download', 'model.safetensors.part')).catch(() => ({ size: 0 }));
  if (size >= bytes) act();
  else setTimeout(() => void onceWritten(bytes, act), 5);
}
const isWeights = ({ url }: IncomingMessage) => url?.endsWith('model.safetensors') === true;
const weights = () => files.get('model.safetensors') ?? Buffer.alloc(0);

it('a precision that is not made here is refused before anything is downloaded', async () => {
  await expect(run({ precisions: ['q8', 'int8'] })).rejects.toThrow(
    `${ID} was not exported: encoders in int8 are not made here, those in fp32, fp16, q8, q4, q4f16 are.`,
  );
  expect(asked).toHaveLength(1);
});

it('a model is downloaded, checked and imported, and nothing else is left', async () => {
  const { seen, total } = await run({ token: 'secret' });
  for (const name of files.keys()) expect(await readFile(at('out', name)), name).toEqual(files.get(name));
  expect(existsSync(at('.out.download'))).toBe(false);
  expect(total).toBe([...files.values()].reduce((sum, { length }) => sum + length, 0));
  expect(seen.at(-1)).toBe(total);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(asked.every(({ authorization }) => authorization === 'Bearer secret')).toBe(true);
});

it('what a try at another model has left is no part of this one', async () => {
  const own = files;
  const finish = () => Promise.reject(new Error('Out of memory.'));
  await expect(run({ finish })).rejects.toThrow('Out of memory');
  // Its checkpoint lies in the folder, under a name that is looked for before this one's.
  const other = new Map(own).set('pytorch_model.bin', await readFile(FIXTURE));
  other.delete('model.safetensors');
  other.delete('preprocessor_config.json');
  await writeFile(at('.out.download', 'preprocessor_config.json'), '{"crop_size": 7}');
  await writeFile(at('.out.download', 'model.safetensors'), 'another model');
  files = other;
  try {
    await run();
  } finally {
    files = own;
  }
  expect(await readFile(at('out', 'model.safetensors'))).toEqual(weights());
  const made = JSON.parse(await readFile(at('out', 'preprocessor_config.json'), 'utf8'));
  expect(made.crop_size).not.toBe(7);
});

it('files whose paths are not plain are left aside', async () => {
  const evil = ['../../evil.json', '/etc/config.json', '.gitattributes', 'my notes.md', 'n'.repeat(256)];
  misbehave = ({ url }, response) => {
    if (!url?.startsWith('/api/')) return false;
    const more = evil.map((path) => ({ type: 'file', path, size: 1, oid: 'a'.repeat(40) }));
    response.end(JSON.stringify([...more, ...listing()]));
    return true;
  };
  const model = { endpoint, id: ID, revision: 'main' };
  expect((await listHubFiles({ model })).map(({ path }) => path).sort()).toEqual([...files.keys()].sort());
  await run();
  expect(existsSync(at('out', 'model.safetensors'))).toBe(true);
});

describe('a connection that is cut', () => {
  const cutAt = (bytes: number, times = Number.POSITIVE_INFINITY) => {
    let cut = 0;
    misbehave = (request, response) => {
      if (!isWeights(request) || cut++ >= times) return false;
      const start = Number(request.headers.range?.match(/\d+/)?.[0] ?? 0);
      response.writeHead(start > 0 ? 206 : 200, {
        'content-length': weights().length - start,
        ...(start > 0 && { 'content-range': `bytes ${start}-${weights().length - 1}/${weights().length}` }),
      });
      response.write(weights().subarray(start, start + bytes));
      void destroyOnceWritten(response, start + bytes);
      return true;
    };
  };

  it('is taken up again where it ended', async () => {
    cutAt(50_000, 2);
    await run({ pauses: [0, 0, 0] });
    const ranges = asked.filter(({ path }) => path.endsWith('model.safetensors')).map(({ range }) => range);
    expect(ranges).toEqual([undefined, 'bytes=50000-', 'bytes=100000-']);
    expect(await readFile(at('out', 'model.safetensors'))).toEqual(weights());
  });

  it('again and again leaves what has come, and the same command goes on', async () => {
    cutAt(50_000);
    await expect(run({ pauses: [0] })).rejects.toThrow(
      `model.safetensors of ${ID} was cut off after 100000 of ${weights().length} bytes. What has come is kept`,
    );
    expect(existsSync(at('out'))).toBe(false);
    misbehave = () => false;
    asked = [];
    await run();
    expect(asked.filter(({ path }) => path.includes('/resolve/'))).toEqual(
      [
        expect.objectContaining({ range: 'bytes=100000-' }),
        // What was whole already is not asked for again, and what had not begun is.
      ].concat(
        [...files.keys()]
          .filter((name) => name > 'model.safetensors')
          .map((name) => expect.objectContaining({ path: `/${ID}/resolve/main/${name}` })),
      ),
    );
    expect(await readFile(at('out', 'model.safetensors'))).toEqual(weights());
  });

  it('by a server that knows no ranges begins anew', async () => {
    let first = true;
    misbehave = (request, response) => {
      if (!isWeights(request)) return false;
      response.writeHead(200, { 'content-length': weights().length });
      if (first) {
        response.write(weights().subarray(0, 1000));
        void destroyOnceWritten(response, 1000);
      } else response.end(weights());
      first = false;
      return true;
    };
    await run({ pauses: [0] });
    expect(await readFile(at('out', 'model.safetensors'))).toEqual(weights());
  });
});

it('a hub that does not answer once is asked again, after its list was had', async () => {
  let refused = false;
  misbehave = (request) => {
    if (!isWeights(request) || refused) return false;
    refused = true;
    request.socket.destroy();
    return true;
  };
  await run({ pauses: [0] });
  expect(refused).toBe(true);
  expect(await readFile(at('out', 'model.safetensors'))).toEqual(weights());
});

it('that is interrupted leaves what has come, and the same command goes on', async () => {
  const interrupted = new AbortController();
  const closed = new Promise<void>((resolve) => {
    misbehave = (request, response) => {
      if (!isWeights(request)) return false;
      response.once('close', resolve);
      response.write(weights().subarray(0, 50_000));
      void onceWritten(50_000, () => interrupted.abort(new Error('Interrupted.')));
      return true;
    };
  });
  await expect(run({ pauses: [0], signal: interrupted.signal })).rejects.toThrow(/^Interrupted\.$/);
  await closed;
  misbehave = () => false;
  asked = [];
  await run();
  expect(asked.find(({ path }) => path.endsWith('model.safetensors'))?.range).toBe('bytes=50000-');
});

it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
  ['is busy', (_, response) => response.writeHead(503).end()],
  ['hangs up', ({ socket }) => socket.destroy()],
])('an interrupt ends the pause after the hub %s', async (_, act) => {
  const interrupted = new AbortController();
  misbehave = (request, response) => {
    if (!isWeights(request)) return false;
    act(request, response);
    setTimeout(() => interrupted.abort(new Error('Interrupted.')), 100);
    return true;
  };
  await expect(run({ pauses: [60_000], signal: interrupted.signal })).rejects.toThrow(/^Interrupted\.$/);
});

it('an answer without content is a connection that was cut, and empties no file', async () => {
  await writeFileWhole(at('.out.download', 'model.safetensors.part'), weights().subarray(0, 1000));
  misbehave = (request, response) => {
    if (!isWeights(request)) return false;
    response.writeHead(204).end();
    return true;
  };
  await expect(run({ pauses: [0, 0] })).rejects.toThrow(
    `model.safetensors of ${ID} was cut off after 1000 of ${weights().length} bytes. What has come is kept`,
  );
  const ranges = asked.filter(({ path }) => path.endsWith('model.safetensors')).map(({ range }) => range);
  expect(ranges).toEqual(['bytes=1000-', 'bytes=1000-', 'bytes=1000-']);
});

it('an answer that is refused is not waited for', async () => {
  const closed = new Promise<void>((resolve) => {
    misbehave = (request, response) => {
      if (!isWeights(request)) return false;
      response.once('close', resolve);
      response.writeHead(200, { 'content-type': 'text/html' }).write('<html>');
      return true;
    };
  });
  await expect(run()).rejects.toThrow('a page of HTML');
  await closed;
});

it.skipIf(!existsSync('/dev/full'))('a full disk is said as one, and not tried again', async () => {
  await mkdir(at('.out.download'));
  await symlink('/dev/full', at('.out.download', 'model.safetensors.part'));
  await expect(run({ pauses: [0, 0] })).rejects.toThrow(
    /\.out\.download\/model\.safetensors\.part could not be written: ENOSPC.* What has come is kept/,
  );
  expect(asked.filter(({ path }) => path.endsWith('model.safetensors'))).toHaveLength(1);
});

describe('refused in one sentence, with nothing at its place:', () => {
  const answering =
    (status: number, headers = {}, body = '') =>
    (_: IncomingMessage, response: ServerResponse) => {
      response.writeHead(status, headers).end(body);
      return true;
    };
  const forWeights =
    (act: (response: ServerResponse) => void) => (request: IncomingMessage, response: ServerResponse) => {
      if (!isWeights(request)) return false;
      act(response);
      return true;
    };
  const other = () => Buffer.from(weights()).fill(7, 5000, 5010);

  it.each<[string, typeof misbehave, RegExp]>([
    [
      'another hash',
      forWeights((response) => response.end(other())),
      /model\.safetensors of someone\/small-clip was refused: its SHA-256 is [0-9a-f]{64}, the hub publishes [0-9a-f]{64}\. It was deleted/,
    ],
    [
      'another git hash',
      ({ url }, response) => {
        if (!url?.endsWith('config.json') || url.includes('_config')) return false;
        response.end(Buffer.from(files.get('config.json') ?? '').fill(9, 2, 4));
        return true;
      },
      /config\.json of .* was refused: its git hash is/,
    ],
    [
      'more than was listed',
      forWeights((response) => response.end(Buffer.concat([weights(), weights()]))),
      /more than the \d+ bytes came that the hub lists/,
    ],
    [
      'less than was listed',
      forWeights((response) => response.end(weights().subarray(0, 100))),
      /cut off after 100 of \d+ bytes/,
    ],
    [
      'a page of HTML',
      forWeights((response) =>
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>Sign in</html>'),
      ),
      /answered with a page of HTML\. Is there a sign-in/,
    ],
    [
      'a page of HTML for a list',
      answering(200, { 'content-type': 'text/html' }, '<html>'),
      /The list of files of someone\/small-clip/,
    ],
    [
      '401',
      answering(401),
      /it answered 401\. If someone\/small-clip is private or gated, put a token into HF_TOKEN/,
    ],
    [
      '404',
      answering(404),
      /there is no someone\/small-clip with a main\. See whether the name is written as on the hub/,
    ],
    ['503 that stays', answering(503), /it is busy \(503\)\. Try again later/],
    [
      '500',
      forWeights((response) => response.writeHead(500).end()),
      /model\.safetensors of .* could not be had from .*: it answered 500/,
    ],
    [
      'no checkpoint',
      answering(200, {}, '[]'),
      /holds no checkpoint on the hub; one of .*model\.safetensors/,
    ],
    [
      'a list that goes on elsewhere',
      answering(200, { link: '<https://elsewhere.example/list>; rel="next"' }, '[]'),
      /has its list go on at https:\/\/elsewhere\.example/,
    ],
    [
      'a list without an end',
      answering(200, { link: '</api/models/again>; rel="next"' }, '[]'),
      /The list of files of someone\/small-clip was refused: it has more than 100 pages\./,
    ],
  ])('%s', async (_, act, message) => {
    misbehave = act;
    await expect(run()).rejects.toThrow(message);
    expect(existsSync(at('out'))).toBe(false);
  });

  it('a wrong file is asked for anew the next time', async () => {
    misbehave = forWeights((response) => response.end(other()));
    await expect(run()).rejects.toThrow('SHA-256');
    misbehave = () => false;
    await run();
    expect(await readFile(at('out', 'model.safetensors'))).toEqual(weights());
  });

  it('nobody there', async () => {
    await expect(run({ from: 'http://127.0.0.1:1' })).rejects.toThrow(
      /http:\/\/127\.0\.0\.1:1 could not be reached: .*\. Is this machine online\? A checkpoint that is already here is imported by its path\./,
    );
  });
});

describe('what has encoders and no checkpoint', () => {
  let checkpoint: typeof files;
  let encoders: typeof files;
  /** A model as another exporter publishes it, in two precisions, with what nobody asks for. */
  beforeAll(async () => {
    const made = at('exported');
    for (const [path, bytes] of await trainedFolder()) await writeFileWhole(join(made, path), bytes);
    await exportModel(made, { precisions: ['fp32', 'q8'], combined: true, threads: 1 });
    const source = directorySource(made);
    const ours = ['model.safetensors', 'manifest.json', 'selftest.json'];
    const published = new Map([['README.md', Buffer.from('---\nlicense: mit\n---\n')]]);
    for (const { path } of await source.list())
      if (!ours.includes(path)) published.set(path, Buffer.from(await source.read(path)));
    encoders = published;
    checkpoint = files;
  });
  beforeEach(() => {
    files = encoders;
  });
  afterAll(() => {
    files = checkpoint;
  });

  const Q8 = ['onnx/vision_model_quantized.onnx', 'onnx/text_model_quantized.onnx'];
  const FP32 = ['onnx/vision_model.onnx', 'onnx/text_model.onnx'];
  const DESCRIPTIONS = [
    'README.md',
    'config.json',
    'preprocessor_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ];
  const there = async (name = 'out') =>
    (await directorySource(at(name)).list()).map(({ path }) => path).filter((path) => encoders.has(path));
  const fetched = () =>
    asked.flatMap(({ path }) => (path.startsWith('/api/') ? [] : [path.replace(`/${ID}/resolve/main/`, '')]));
  const failing = (file: string) => {
    misbehave = ({ url }, response) => {
      if (!url?.endsWith(file)) return false;
      response.writeHead(500).end();
      return true;
    };
  };

  it('comes in q8 with what describes it, and nothing else is asked for', async () => {
    const { seen, total } = await run({ token: 'secret' });
    expect(await there()).toEqual([...DESCRIPTIONS, ...Q8].sort());
    for (const path of await there())
      expect(await readFile(at('out', path)), path).toEqual(encoders.get(path));
    expect(fetched().sort()).toEqual([...DESCRIPTIONS, ...Q8].sort());
    expect(seen.at(-1)).toBe(total);
    expect(existsSync(at('.out.download'))).toBe(false);
  });

  it('comes with an empty card too', async () => {
    files = new Map(encoders).set('README.md', Buffer.alloc(0));
    await run();
    expect(await readFile(at('out', 'README.md'))).toHaveLength(0);
  });

  it('comes in the precisions that are asked for, and is a model that this machine runs', async () => {
    const cosines: number[] = [];
    await run({
      precisions: ['fp32', 'q8'],
      finish: async (folder) => {
        const measured = await exportModel(folder, { threads: 1 });
        cosines.push(...measured.map(({ image }) => image.mean));
      },
    });
    expect(await there()).toEqual([...DESCRIPTIONS, ...FP32, ...Q8].sort());
    expect(cosines[0]).toBeCloseTo(1, 6);
    expect(cosines[1]).toBeLessThan(cosines[0]);
    const folder = await readModelFolder(directorySource(at('out')));
    expect(folder.precisions).toEqual(['fp32', 'q8']);
    expect(folder.manifest?.files.map(({ path }) => path)).toContain('selftest.json');
    for (const precision of folder.precisions) {
      const vectors = await Promise.all(
        ['out', 'exported'].map(async (name) => {
          const model = await openModel(at(name), { precision, threads: 1 });
          const found = await model.embedTexts(['a cat']);
          await model.close();
          return found;
        }),
      );
      expect(vectors[0]).toEqual(vectors[1]);
    }
  });

  it('is gone on with, and a precision of an earlier try is not taken along', async () => {
    failing('text_model.onnx');
    await expect(run({ precisions: ['fp32'] })).rejects.toThrow('it answered 500');
    expect(existsSync(at('out'))).toBe(false);
    failing('text_model_quantized.onnx');
    await expect(run()).rejects.toThrow('it answered 500');
    misbehave = () => false;
    asked = [];
    await run();
    expect(fetched()).toEqual(['onnx/text_model_quantized.onnx']);
    expect(await there()).toEqual([...DESCRIPTIONS, ...Q8].sort());
  });

  it('that does not finish leaves nothing at its place, and its files for the next try', async () => {
    const finish = () => Promise.reject(new Error('The mean cosine of q8 is too low.'));
    await expect(run({ finish })).rejects.toThrow('too low');
    expect((await readdir(folder)).filter((name) => name.includes('out'))).toEqual(['.out.download']);
    asked = [];
    await run();
    expect(fetched()).toEqual([]);
  });

  it('is refused with another hash, in a precision that is not there, and with one encoder alone', async () => {
    const [path] = Q8;
    misbehave = ({ url }, response) => {
      if (!url?.endsWith(path)) return false;
      response.end(Buffer.from(encoders.get(path) ?? '').fill(7, 500, 510));
      return true;
    };
    await expect(run()).rejects.toThrow(`${path} of ${ID} was refused: its SHA-256 is`);
    misbehave = () => false;
    asked = [];
    await expect(run({ precisions: ['q8', 'fp16'] })).rejects.toThrow(
      `${ID} has no encoders in fp16; it has fp32, q8. Choose one of these.`,
    );
    files = new Map([...encoders].filter(([name]) => !name.startsWith('onnx/text_model')));
    await expect(run()).rejects.toThrow('holds no checkpoint on the hub; one of');
    expect(fetched()).toEqual([]);
    expect(existsSync(at('out'))).toBe(false);
  });

  it('lies in a folder of this machine as well', async () => {
    await run();
    await importModel({ source: at('out'), out: at('out-again') });
    expect(await there('out-again')).toEqual(await there());
    await rm(at('out-again'), { recursive: true });
  });
});

it('who is busy is asked again', async () => {
  let busy = 2;
  misbehave = (_, response) => {
    if (busy-- <= 0) return false;
    response.writeHead(503).end();
    return true;
  };
  await run({ pauses: [0, 0] });
  expect(existsSync(at('out', 'model.safetensors'))).toBe(true);
});

it('a token is the one that the hub tools use', async () => {
  await writeFile(at('token'), 'from-a-file\n');
  expect(await hubToken({ HF_TOKEN: 'from-the-environment', HF_HOME: folder })).toBe('from-the-environment');
  expect(await hubToken({ HF_HOME: folder })).toBe('from-a-file');
  await writeFileWhole(at('huggingface', 'token'), 'from-the-cache');
  expect(await hubToken({ XDG_CACHE_HOME: folder })).toBe('from-the-cache');
  expect(await hubToken({ HF_TOKEN_PATH: at('nowhere') })).toBeUndefined();
});

import 'fake-indexeddb/auto';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseJson } from '../../../models/clip/checked.ts';
import {
  type Files,
  json,
  tinyModel,
  withJson,
  withManifest,
} from '../../../models/clip/fixtures/tiny-model.ts';
import { modelKeyOf } from '../../../models/clip/manifest.ts';
import { readModelFolder } from '../../../models/clip/model-folder.ts';
import { parseSelfTest, SELF_TEST, type SelfTest } from '../../../models/clip/selftest.ts';
import type { MakeSelfTest } from '../../inference/reference.ts';
import { listDeviceModels, openDeviceModel } from '../../storage/device-models.ts';
import { privateFileSystem } from '../../storage/fixtures/private-file-system.ts';
import { getVectors, putVectors } from '../../storage/vectors.ts';
import { keepFolder, keepRemote } from './keep-model.ts';
import { parseSource } from './source.ts';

const HUB = 'https://hub.example';
const source = parseSource('tests/tiny', HUB);
const encoder = (fill: number) => new Uint8Array(1_000).fill(fill);

/** A model in two precisions, as a hub has it. */
let published: Files;
/** Paths in the order in which they were asked for. */
let asked: string[];
/** Answered with an error. */
let away: string | null;

beforeEach(async () => {
  published = await tinyModel();
  for (const path of [...published.keys()]) if (path.startsWith('onnx/')) published.delete(path);
  for (const [suffix, fill] of [
    ['', 1],
    ['_quantized', 2],
  ] as const) {
    published.set(`onnx/vision_model${suffix}.onnx`, encoder(fill));
    published.set(`onnx/text_model${suffix}.onnx`, encoder(fill + 10));
  }
  published.set('README.md', new TextEncoder().encode('---\nlicense: mit\n---\n'));
  asked = [];
  away = null;
  vi.stubGlobal('navigator', privateFileSystem());
  vi.stubGlobal('fetch', async (url: string) => {
    if (url.startsWith(`${HUB}/api/`)) return Response.json(listing());
    const path = decodeURIComponent(url.slice(`${HUB}/tests/tiny/resolve/main/`.length));
    asked.push(path);
    return path === away ? new Response(null, { status: 500 }) : new Response(published.get(path));
  });
});
afterEach(() => vi.unstubAllGlobals());

function listing() {
  return Array.from(published, ([path, bytes]) => ({
    type: 'file',
    path,
    size: bytes.length,
    oid: createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
    ...(path.endsWith('.onnx') && {
      lfs: { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length },
    }),
  }));
}

const models = async () =>
  (await listDeviceModels()).map(({ id, about, whole }) => ({
    id,
    license: about.license,
    encoders: whole?.files.flatMap(({ path }) => (path.startsWith('onnx/') ? [path] : [])) ?? null,
  }));
const ENCODERS = {
  fp32: ['onnx/vision_model.onnx', 'onnx/text_model.onnx'],
  q8: ['onnx/vision_model_quantized.onnx', 'onnx/text_model_quantized.onnx'],
};
const ignore = () => {};
/** There is no GPU here. */
const noGpu: MakeSelfTest = async () => ({ selfTest: null, problem: null });

it('takes what describes a model and one precision, and a further one later', async () => {
  const heard: number[] = [];
  const onProgress = (loaded: number, total: number) => heard.push(loaded / total);
  expect(await keepRemote(source, 'auto', onProgress, noGpu)).toEqual({ id: 'tests/tiny', problem: null });
  expect(await models()).toEqual([{ id: 'tests/tiny', license: 'mit', encoders: ENCODERS.q8 }]);
  expect(heard.at(-1)).toBe(1);
  asked = [];
  await keepRemote(source, 'fp32', ignore, noGpu);
  // Nothing that is here already.
  expect(asked.sort()).toEqual([...ENCODERS.fp32].sort());
  const folder = await readModelFolder(await openDeviceModel('tests/tiny'));
  expect(folder.precisions).toEqual(['fp32', 'q8']);
  expect((await models())[0].license).toBe('mit');
});

it('keeps what was computed with a model that gets a further precision', async () => {
  const spaceNow = async () => {
    const [model] = await listDeviceModels();
    return { modelKey: await modelKeyOf(model.whole?.files ?? [], 'q8'), precision: 'q8' } as const;
  };
  await keepRemote(source, 'q8', ignore, noGpu);
  const kept = { vector: Float32Array.of(1, 0), truncated: false };
  await putVectors(await spaceNow(), 'image', [['photograph', kept]]);
  await keepRemote(source, 'fp32', ignore, noGpu);
  expect(await getVectors(await spaceNow(), 'image', ['photograph'])).toEqual([kept]);
});

describe('a self-test', () => {
  const question = {
    image: { recipe: 'gradient-noise', seed: 1, width: 64, height: 48 },
    prompt: 'a photo of a cat',
  } as const;
  const vectors = { image_embeds: [1, 0], text_embeds: [0, 1] };
  /** Vectors for fp32 and fp16, as a GPU here would run them; what it was given goes into `before`. */
  let before: (SelfTest | null)[];
  const make: MakeSelfTest = async (folder, known) => {
    before.push(known);
    const { precisions } = await readModelFolder(folder);
    const missing = precisions.filter((each) => each.startsWith('fp') && known?.vectors[each] === undefined);
    if (missing.length === 0) return { selfTest: null, problem: null };
    const made = Object.fromEntries(missing.map((each) => [each, vectors]));
    return {
      selfTest: { ...question, madeOnDevice: true, vectors: { ...known?.vectors, ...made } },
      problem: null,
    };
  };
  const kept = async () => {
    const folder = await openDeviceModel('tests/tiny');
    const has = (await folder.list()).some(({ path }) => path === SELF_TEST);
    return has ? parseSelfTest(parseJson(await folder.read(SELF_TEST), SELF_TEST), SELF_TEST) : null;
  };
  beforeEach(() => {
    before = [];
    published.set('onnx/vision_model_fp16.onnx', encoder(3)).set('onnx/text_model_fp16.onnx', encoder(4));
  });

  it('is made for what brings none, and extended for a further precision', async () => {
    await keepRemote(source, 'q8', ignore, make);
    expect(await kept()).toBeNull();
    await keepRemote(source, 'fp32', ignore, make);
    expect(await kept()).toEqual({ ...question, madeOnDevice: true, vectors: { fp32: vectors } });
    await keepRemote(source, 'fp16', ignore, make);
    expect((await kept())?.vectors).toEqual({ fp32: vectors, fp16: vectors });
    expect(before.map((each) => each && Object.keys(each.vectors))).toEqual([null, null, ['fp32']]);
  });

  it('is made of a model that is here already without one', async () => {
    await keepRemote(source, 'fp32', ignore, noGpu);
    asked = [];
    // As the plan tells a visitor to do, who leaves the precision as the form has it.
    await keepRemote(source, 'auto', ignore, make);
    expect(asked).toEqual([]);
    expect((await kept())?.vectors).toEqual({ fp32: vectors });
  });

  it('stays the one that the model brings', async () => {
    published.set(SELF_TEST, json({ ...question, vectors: { q8: vectors } }));
    await keepRemote(source, 'fp32', ignore, make);
    expect((await kept())?.vectors).toEqual({ q8: vectors });
    expect(before).toEqual([]);
  });

  it('that cannot be made costs nothing else, and is said', async () => {
    const problem = 'It will not run on the GPU in fp32.';
    const failing: MakeSelfTest = async () => ({ selfTest: null, problem });
    expect(await keepRemote(source, 'fp32', ignore, failing)).toEqual({ id: 'tests/tiny', problem });
    expect(await kept()).toBeNull();
    const broken = async () => Promise.reject(new Error('It broke.'));
    expect(await keepRemote(source, 'fp16', ignore, broken)).toEqual({
      id: 'tests/tiny',
      problem: 'It got no self-test, without which it does not run on a GPU: It broke.',
    });
    expect((await readModelFolder(await openDeviceModel('tests/tiny'))).precisions).toEqual(['fp32', 'fp16']);
  });

  it('for which there is no room costs nothing else, and is made where there is room again', async () => {
    let full = false;
    vi.stubGlobal('navigator', privateFileSystem({ isFull: (name) => full && name === SELF_TEST }));
    await keepRemote(source, 'fp32', ignore, make);
    full = true;
    const { problem } = await keepRemote(source, 'fp16', ignore, make);
    expect(problem).toMatch(/^It got no self-test, .* no room left on this device/);
    expect((await readModelFolder(await openDeviceModel('tests/tiny'))).precisions).toEqual(['fp32', 'fp16']);
    full = false;
    await keepRemote(source, 'auto', ignore, make);
    expect((await kept())?.vectors).toEqual({ fp32: vectors, fp16: vectors });
  });

  it('that is none of ours is refused with its model, and leaves nothing behind', async () => {
    published.set(SELF_TEST, json({ vectors: {} }));
    await expect(keepFolder('mine', picked(published), ignore, make)).rejects.toThrow(
      'mine/selftest.json was refused',
    );
    asked = [];
    await expect(keepRemote(source, 'fp32', ignore, make)).rejects.toThrow(
      'tests/tiny/selftest.json was refused',
    );
    expect(asked.filter((path) => path.endsWith('.onnx'))).toEqual([]);
    expect(await models()).toEqual([]);
  });

  it('is made of a folder of this device too', async () => {
    await keepFolder('tests/tiny', picked(published), ignore, make);
    expect((await kept())?.vectors).toEqual({ fp32: vectors, fp16: vectors });
  });
});

it('goes on in the precision in which it was begun', async () => {
  away = 'onnx/text_model.onnx';
  await expect(keepRemote(source, 'fp32', ignore, noGpu)).rejects.toThrow('it answered 500');
  expect((await models())[0].encoders).toBeNull();
  away = null;
  await keepRemote(source, 'auto', ignore, noGpu);
  expect((await models())[0].encoders?.sort()).toEqual([...ENCODERS.fp32].sort());
});

it('goes on with a further precision that is asked for again, and runs in the one before meanwhile', async () => {
  await keepRemote(source, 'q8', ignore, noGpu);
  away = 'onnx/text_model.onnx';
  await expect(keepRemote(source, 'fp32', ignore, noGpu)).rejects.toThrow('it answered 500');
  expect((await models())[0].encoders?.sort()).toEqual([...ENCODERS.q8].sort());
  away = null;
  asked = [];
  await keepRemote(source, 'fp32', ignore, noGpu);
  expect(asked).toEqual(['onnx/text_model.onnx']);
  expect((await readModelFolder(await openDeviceModel('tests/tiny'))).precisions).toEqual(['fp32', 'q8']);
});

it('leaves a model as it is where another was published under its name', async () => {
  await keepRemote(source, 'q8', ignore, noGpu);
  const before = await models();
  published.set('onnx/vision_model_quantized.onnx', encoder(3));
  await expect(keepRemote(source, 'fp32', ignore, noGpu)).rejects.toThrow(
    'tests/tiny has changed on its server since it was added here (onnx/vision_model_quantized.onnx).',
  );
  expect(await models()).toEqual(before);
  await readModelFolder(await openDeviceModel('tests/tiny'));
});

it('takes a model whose card was edited for the same', async () => {
  await keepRemote(source, 'q8', ignore, noGpu);
  published.set('README.md', new TextEncoder().encode('---\nlicense: mit\n---\nThanks!\n'));
  await keepRemote(source, 'fp32', ignore, noGpu);
  expect((await readModelFolder(await openDeviceModel('tests/tiny'))).precisions).toEqual(['fp32', 'q8']);
});

it('where nobody publishes hashes, tells another model by its encoders’ lengths, as texts are sent compressed', async () => {
  const folder = parseSource('https://models.example/tiny/', HUB);
  vi.stubGlobal('fetch', async (url: string, { method }: RequestInit) => {
    const path = url.slice('https://models.example/tiny/'.length);
    const bytes = published.get(path);
    if (bytes === undefined) return new Response(null, { status: 404 });
    const sent = path.endsWith('.onnx') ? bytes.length : bytes.length >> 1;
    const headers = { 'content-length': String(sent) };
    return new Response(method === 'HEAD' ? null : bytes, { headers });
  });
  await keepRemote(folder, 'q8', ignore, noGpu);
  await keepRemote(folder, 'fp32', ignore, noGpu);
  const { precisions } = await readModelFolder(await openDeviceModel('https://models.example/tiny'));
  expect(precisions).toEqual(['fp32', 'q8']);
  published.set('onnx/text_model.onnx', new Uint8Array(1_001));
  await expect(keepRemote(folder, 'auto', ignore, noGpu)).rejects.toThrow(
    'has changed on its server since it was added here (onnx/text_model.onnx)',
  );
});

it('finds a contradiction before the encoders come, and leaves nothing behind', async () => {
  published = withJson(published, 'preprocessor_config.json', { crop_size: 17, size: 17 });
  await expect(keepRemote(source, 'auto', ignore, noGpu)).rejects.toThrow(
    'preprocessor_config.json was refused',
  );
  expect(asked.filter((path) => path.endsWith('.onnx'))).toEqual([]);
  expect(await models()).toEqual([]);
});

it('takes a file with another hash for none', async () => {
  const list = listing();
  const bad = list.find(({ path }) => path === 'onnx/text_model_quantized.onnx');
  const answer = globalThis.fetch;
  vi.stubGlobal('fetch', async (url: string) => {
    if (!url.startsWith(`${HUB}/api/`)) return answer(url);
    return Response.json(
      list.map((file) => (file === bad ? { ...file, lfs: { ...file.lfs, oid: '0'.repeat(64) } } : file)),
    );
  });
  await expect(keepRemote(source, 'auto', ignore, noGpu)).rejects.toThrow(
    /^onnx\/text_model_quantized\.onnx was refused: its SHA-256 is [0-9a-f]{64}, the server publishes 0{64}\./,
  );
  expect((await models())[0].encoders).toBeNull();
});

const picked = (files: Files) =>
  Array.from(files, ([path, bytes]) => ({ path, file: new File([bytes], path.split('/').at(-1) ?? path) }));

it('copies a folder with all its precisions; one of the same name stands beside it', async () => {
  await keepFolder('mine', picked(await withManifest(published)), ignore, noGpu);
  expect(await keepFolder('mine', picked(published), ignore, noGpu)).toMatchObject({ id: 'mine (2)' });
  expect((await models()).map(({ id, encoders }) => [id, encoders?.length])).toEqual([
    ['mine', 4],
    ['mine (2)', 4],
  ]);
});

it('refuses a folder that its own manifest.json contradicts, and one that is none, and leaves nothing behind', async () => {
  const damaged = (await withManifest(published)).set('onnx/vision_model.onnx', encoder(9));
  await expect(keepFolder('mine', picked(damaged), ignore, noGpu)).rejects.toThrow(
    'onnx/vision_model.onnx is damaged',
  );
  const none = new Map([['config.json', json({ model_type: 'bert' })], ...[...published].slice(1)]);
  await expect(keepFolder('mine', picked(none), ignore, noGpu)).rejects.toThrow('config.json');
  expect(await models()).toEqual([]);
});

it('stays whole where there is no room for the list of a further precision', async () => {
  let full = false;
  vi.stubGlobal('navigator', privateFileSystem({ isFull: (name) => full && name === 'manifest.json' }));
  await keepRemote(source, 'q8', ignore, noGpu);
  full = true;
  await expect(keepRemote(source, 'fp32', ignore, noGpu)).rejects.toThrow('no room left on this device');
  expect((await models())[0].encoders).toEqual(ENCODERS.q8);
});

it('says beforehand that there is no room', async () => {
  vi.stubGlobal('navigator', privateFileSystem({ quota: 100 }));
  await expect(keepRemote(source, 'auto', ignore, noGpu)).rejects.toThrow('no room left on this device');
  expect(asked).toEqual([]);
});

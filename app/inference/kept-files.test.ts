/// <reference path="./build.d.ts" />
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sha256 } from '../../models/clip/manifest.ts';
import { cacheStorage } from '../storage/fixtures/cache-storage.ts';
import { lockManager } from '../storage/fixtures/lock-manager.ts';
import { forgetUnneededFiles, getFile, putFile, putRecord } from '../storage/model-files.ts';
import { keepAtOnce, recordRuntime } from './kept-files.ts';
import { openRemoteFolder } from './remote-folder.ts';

const SITE = 'https://site.example/lens/';
const FOLDER = `${SITE}models/mini/`;
const CONFIG = 'config.json';
const Q8 = 'onnx/vision_model_quantized.onnx';
const FP32 = 'onnx/vision_model.onnx';

/** What the site answers, by address; anything else is out of reach. */
let answers: Map<string, Uint8Array<ArrayBuffer>>;

beforeEach(() => {
  answers = new Map();
  vi.stubGlobal('caches', cacheStorage());
  vi.stubGlobal('navigator', { locks: lockManager() });
  vi.stubGlobal('location', { origin: 'https://site.example' });
  vi.stubGlobal('fetch', async (url: string) => {
    const answer = answers.get(url);
    if (answer === undefined) throw new TypeError('Failed to fetch');
    return new Response(answer);
  });
});
afterEach(() => vi.unstubAllGlobals());

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Puts the folder's files on the server, with their manifest.json. */
async function serveFolder(contents: Readonly<Record<string, string>>): Promise<void> {
  const files = await Promise.all(
    Object.entries(contents).map(async ([path, content]) => {
      const bytes = bytesOf(content);
      answers.set(FOLDER + path, bytes);
      return { path, bytes: bytes.length, sha256: await sha256(bytes) };
    }),
  );
  answers.set(`${FOLDER}manifest.json`, bytesOf(JSON.stringify({ files })));
}

async function openWith(...paths: string[]) {
  const folder = await openRemoteFolder(FOLDER, () => {});
  const contents = await Promise.all(paths.map((path) => folder.read(path)));
  await keepAtOnce();
  return {
    keepRecord: folder.keepRecord,
    contents: contents.map((bytes) => new TextDecoder().decode(bytes)),
  };
}

const isKept = async (content: string) => (await getFile(await sha256(bytesOf(content)))) !== undefined;

it('two precisions of a model that are opened at once both open with the network off', async () => {
  await serveFolder({ [CONFIG]: '{}', [Q8]: 'small weights', [FP32]: 'large weights' });
  const opened = [await openWith(CONFIG, Q8), await openWith(CONFIG, FP32)];
  expect(await Promise.all(opened.map(({ keepRecord }) => keepRecord()))).toEqual([true, true]);
  await forgetUnneededFiles();

  answers.clear();
  expect((await openWith(CONFIG, Q8)).contents).toEqual(['{}', 'small weights']);
  expect((await openWith(CONFIG, FP32)).contents).toEqual(['{}', 'large weights']);
});

it('what a folder has no more is forgotten, and nothing else of it', async () => {
  await serveFolder({ [CONFIG]: '{}', [Q8]: 'small weights', [FP32]: 'large weights' });
  await (await openWith(CONFIG, Q8)).keepRecord();
  await (await openWith(CONFIG, FP32)).keepRecord();
  await serveFolder({ [CONFIG]: '{}', [Q8]: 'better weights', [FP32]: 'large weights' });
  await (await openWith(CONFIG, Q8)).keepRecord();
  await forgetUnneededFiles();
  const contents = ['{}', 'small weights', 'better weights', 'large weights'];
  expect(await Promise.all(contents.map(isKept))).toEqual([true, false, true, true]);
});

it('builds of the runtime stay beside each other until the site has others', async () => {
  const { jspi, wasm } = ONNXRUNTIME_FILES;
  const before = '0'.repeat(64);
  for (const hash of [before, jspi.sha256, wasm.sha256]) await putFile(hash, bytesOf('a build'), 'a build');
  await putRecord(`runtime of ${SITE}`, { files: [before], manifest: new Uint8Array() });
  for (const build of [jspi, wasm]) {
    const file = { ...build, url: `${SITE}assets/${build.name}` };
    expect(await recordRuntime(file, Promise.resolve(true))).toBe(true);
  }
  await forgetUnneededFiles();
  const kept = await Promise.all([before, jspi.sha256, wasm.sha256].map(getFile));
  expect(kept.map((file) => file !== undefined)).toEqual([false, true, true]);
});

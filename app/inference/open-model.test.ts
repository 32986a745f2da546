import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { exportersFolder } from '../../models/clip/fixtures/exporters-folder.ts';
import { withManifest } from '../../models/clip/fixtures/tiny-model.ts';
import { sha256 } from '../../models/clip/manifest.ts';
import { cacheStorage } from '../storage/fixtures/cache-storage.ts';
import { lockManager } from '../storage/fixtures/lock-manager.ts';
import { getFile, putFile } from '../storage/model-files.ts';
import { openModel } from './open-model.ts';
import type { Attempt } from './plan.ts';
import { createProgressMeter } from './progress.ts';
import { openRemoteFolder } from './remote-folder.ts';

const SITE = 'https://site.example/';
const FOLDER = `${SITE}models/foreign/`;
const RUNTIME_BYTES = new Uint8Array(4);
const RUNTIME = {
  name: 'runtime.wasm',
  url: `${SITE}assets/runtime.wasm`,
  bytes: RUNTIME_BYTES.length,
  sha256: await sha256(RUNTIME_BYTES),
};

vi.mock('./runtime.ts', async () => {
  const runtime = await import('onnxruntime-web');
  runtime.env.wasm.numThreads = 1;
  return {
    runtimeFile: () => RUNTIME,
    importRuntime: async () => runtime,
    // Node has the runtime's own.
    setWasm: () => {},
    dropWasm: () => {},
  };
});

/** Addresses of what was downloaded. */
let downloads: string[];

beforeEach(async () => {
  downloads = [];
  const answers = new Map([[RUNTIME.url, RUNTIME_BYTES]]);
  for (const [path, bytes] of await withManifest(exportersFolder())) answers.set(FOLDER + path, bytes);
  vi.stubGlobal('caches', cacheStorage());
  vi.stubGlobal('navigator', { locks: lockManager() });
  vi.stubGlobal('location', { origin: 'https://site.example' });
  vi.stubGlobal('fetch', async (url: string) => {
    if (!url.endsWith('/manifest.json')) downloads.push(url);
    return new Response(answers.get(url));
  });
});
afterEach(() => vi.unstubAllGlobals());

const onGpu: Attempt = { backend: 'webgpu', precision: 'fp32', threads: 1, build: 'jspi', adapter: 'acme' };
const onWasm: Attempt = { backend: 'wasm', precision: 'fp32', threads: 1, build: 'wasm', adapter: null };

/** As in a worker of its own; resolves when it has forgotten what it forgets, which takes no turn of the event loop here. */
async function attempt(how: Attempt) {
  const source = await openRemoteFolder(FOLDER, () => {});
  const model = await openModel(
    source,
    how,
    createProgressMeter(() => {}),
    async () => {},
  );
  if ('keptOffline' in model) expect(await model.keptOffline).toBe(true);
  await new Promise((resolve) => setTimeout(resolve));
  return model;
}

it('what came for a device that was refused is there for the next; what nothing needs is forgotten then', async () => {
  const old = 'f'.repeat(64);
  await putFile(old, new Uint8Array(1), 'a model that is used no more');
  // It has no self-test.
  expect(await attempt(onGpu)).toHaveProperty('refused');
  expect(await getFile(old)).toBeDefined();

  expect(await attempt(onWasm)).toHaveProperty('report.backend', 'wasm');
  expect(downloads).toContain(`${FOLDER}onnx/vision_model.onnx`);
  expect(downloads.toSorted()).toEqual([...new Set(downloads)].toSorted());
  expect(await getFile(old)).toBeUndefined();
});

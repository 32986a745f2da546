import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { cacheStorage } from '../storage/fixtures/cache-storage.ts';
import type { Attempt, Plan } from './plan.ts';
import { noteRefusal, passOverRefused, type RefusingModel } from './refusals.ts';

const gpu: Attempt = {
  backend: 'webgpu',
  precision: 'fp32',
  threads: 1,
  build: 'jspi',
  adapter: 'acme rocket',
};
const wasm: Attempt = { backend: 'wasm', precision: 'q8', threads: 2, build: 'wasm', adapter: null };
const plan: Plan = { attempts: [gpu, wasm], passedOver: [], leftOut: ['fp32'] };
const file = (path: string, hash = 'a') => ({ path, bytes: 1, sha256: hash.repeat(64) });
const model: RefusingModel = {
  place: { on: 'site', url: 'http://host/models/mini/' },
  files: ['vision_model', 'text_model', 'vision_model_fp16', 'text_model_fp16'].map((name) =>
    file(`onnx/${name}.onnx`),
  ),
};

beforeEach(() => {
  vi.stubGlobal('caches', cacheStorage());
  vi.stubGlobal('location', { origin: 'http://host' });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('leaves out a GPU that failed, with its reason, and nothing else', async () => {
  expect(await passOverRefused(plan, model)).toEqual(plan);
  await noteRefusal(model, gpu, 'The GPU computes wrongly.');
  await noteRefusal(model, wasm, 'It was slow to start.');
  expect(await passOverRefused(plan, model)).toEqual({
    attempts: [wasm],
    passedOver: [{ backend: 'webgpu', precision: 'fp32', reason: 'The GPU computes wrongly.', failed: true }],
    leftOut: ['fp32'],
  });
});

it('asks it again where something is different, and after a while', async () => {
  await noteRefusal(model, gpu, 'The GPU computes wrongly.');
  const attempts = async (one: Attempt, of = model) =>
    (await passOverRefused({ ...plan, attempts: [one] }, of)).attempts;
  expect(await attempts(gpu)).toEqual([]);
  for (const other of [
    { ...gpu, adapter: 'acme comet' },
    { ...gpu, build: 'webgpu' },
    { ...gpu, precision: 'fp16' },
  ] as const)
    expect(await attempts(other)).toEqual([other]);
  const withOther = (path: string) => ({
    ...model,
    files: [...model.files.filter((each) => each.path !== path), file(path, 'b')],
  });
  expect(await attempts(gpu, withOther('onnx/text_model.onnx'))).toEqual([gpu]);
  expect(await attempts(gpu, withOther('selftest.json'))).toEqual([gpu]);
  expect(await attempts(gpu, withOther('onnx/text_model_fp16.onnx'))).toEqual([]);
  expect(await attempts(gpu, { ...model, place: { on: 'device', id: 'mini' } })).toEqual([gpu]);

  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 8 * 24 * 3_600_000 });
  expect(await attempts(gpu)).toEqual([gpu]);
});

import * as ort from 'onnxruntime-web';
import { beforeEach, expect, it, vi } from 'vitest';
import { exportersFolder } from '../../models/clip/fixtures/exporters-folder.ts';
import { memorySource } from '../../models/clip/fixtures/tiny-model.ts';
import { readModelFolder } from '../../models/clip/model-folder.ts';
import { SELF_TEST_FLOOR, type SelfTest } from '../../models/clip/selftest.ts';
import { createEncoders } from './encoders.ts';
import type { Adapter, NoAdapter } from './plan.ts';
import { readEncoder } from './read-encoder.ts';
import { createSelfTestMaker } from './reference.ts';
import { runSelfTest } from './self-test-run.ts';

let adapter: Adapter | NoAdapter;
const startRuntime = vi.fn(async () => ort);
const parts = { findAdapter: async () => adapter, allowSoftwareAdapter: false, startRuntime };
const makeSelfTest = createSelfTestMaker(parts);

const gpu: Adapter = { name: 'acme rocket', software: false, shaderF16: true };
/** Another exporter's, whose fp16 is its fp32 under another name. */
const files = exportersFolder();
for (const encoder of ['vision_model', 'text_model']) {
  files.set(`onnx/${encoder}_fp16.onnx`, files.get(`onnx/${encoder}.onnx`) ?? new Uint8Array());
  files.set(`onnx/${encoder}_quantized.onnx`, new Uint8Array(1));
}
const source = memorySource(files);

beforeEach(() => {
  adapter = gpu;
  ort.env.wasm.numThreads = 1;
  startRuntime.mockClear();
});

const precisionsOf = (selfTest: SelfTest | null) => selfTest && Object.keys(selfTest.vectors);

it('is what the same encoders give again, and others do not', async () => {
  const { selfTest, problem } = await makeSelfTest(source, null);
  expect(problem).toBeNull();
  expect(selfTest?.madeOnDevice).toBe(true);
  expect(precisionsOf(selfTest)).toEqual(['fp16', 'fp32']);
  if (selfTest === null) return;

  const folder = await readModelFolder(source);
  const attempt = { backend: 'wasm', precision: 'fp32', threads: 1, build: 'wasm', adapter: null } as const;
  const encoders = await createEncoders(ort, attempt, folder, {
    vision_model: await readEncoder(source, folder.files, 'vision_model', 'fp32'),
    text_model: await readEncoder(source, folder.files, 'text_model', 'fp32'),
  });
  const onGpu = { backend: 'webgpu', precision: 'fp32' } as const;
  expect(await runSelfTest(selfTest, folder, onGpu, encoders)).toBeGreaterThan(SELF_TEST_FLOOR);
  // It is no check of what it was made with.
  expect(await runSelfTest(selfTest, folder, { ...onGpu, backend: 'wasm' }, encoders)).toBeNull();
  const wrong = {
    ...encoders,
    encodeImages: async (pixels: Float32Array, batch: number) =>
      (await encoders.encodeImages(pixels, batch)).map((row) => row.toReversed()),
  };
  await expect(runSelfTest(selfTest, folder, onGpu, wrong)).rejects.toThrow('The GPU computes wrongly');
});

it('holds what a GPU here would be asked for, and nothing is started for nothing', async () => {
  adapter = { ...gpu, shaderF16: false };
  const { selfTest } = await makeSelfTest(source, null);
  expect(precisionsOf(selfTest)).toEqual(['fp32']);

  startRuntime.mockClear();
  expect(await makeSelfTest(source, selfTest)).toEqual({ selfTest: null, problem: null });
  adapter = { absent: 'No WebGPU here.' };
  expect(await makeSelfTest(source, null)).toEqual({ selfTest: null, problem: null });
  // No model runs on a GPU in software, unless the address asks for it.
  adapter = { ...gpu, software: true };
  expect(await makeSelfTest(source, null)).toEqual({ selfTest: null, problem: null });
  expect(startRuntime).not.toHaveBeenCalled();
  const asked = await createSelfTestMaker({ ...parts, allowSoftwareAdapter: true })(source, null);
  expect(precisionsOf(asked.selfTest)).toEqual(['fp16', 'fp32']);

  // A GPU that can do more, or a further precision.
  adapter = gpu;
  const more = await makeSelfTest(source, selfTest);
  expect(precisionsOf(more.selfTest)).toEqual(['fp32', 'fp16']);
  expect(more.selfTest?.vectors.fp32).toBe(selfTest?.vectors.fp32);
});

it('goes without a precision that WebAssembly cannot run, and says why', async () => {
  const damaged = memorySource(new Map(files).set('onnx/text_model_fp16.onnx', new Uint8Array(10)));
  const { selfTest, problem } = await makeSelfTest(damaged, null);
  expect(precisionsOf(selfTest)).toEqual(['fp32']);
  expect(problem).toMatch(/^It will not run on the GPU in fp16: .*text_model_fp16\.onnx/);

  startRuntime.mockRejectedValueOnce(new Error('The network is off.'));
  expect(await makeSelfTest(source, null)).toEqual({
    selfTest: null,
    problem: expect.stringMatching(
      /in fp16: .*\(The network is off\)\. It will not run on the GPU in fp32: /,
    ),
  });
});

it('gives a session’s memory back where it does not compute', async () => {
  adapter = { ...gpu, shaderF16: false };
  const session = await ort.InferenceSession.create(files.get('onnx/vision_model.onnx') ?? new Uint8Array());
  vi.spyOn(session, 'run').mockRejectedValue(new Error('out of memory'));
  const release = vi.spyOn(session, 'release');
  const create = vi.spyOn(ort.InferenceSession, 'create').mockResolvedValue(session);
  const { selfTest, problem } = await makeSelfTest(source, null);
  create.mockRestore();
  expect(selfTest).toBeNull();
  expect(problem).toContain('(out of memory)');
  expect(release).toHaveBeenCalledOnce();
});

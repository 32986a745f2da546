import { describe, expect, it } from 'vitest';
import { PRECISIONS } from '../../models/clip/encoder-files.ts';
import type { Precision } from '../../models/clip/types.ts';
import { type Circumstances, planAttempts, WEBGPU_DOWNLOAD_LIMIT, wasmThreads } from './plan.ts';

const gpu = { name: 'acme rocket', software: false, shaderF16: true };
const desk: Circumstances = {
  wanted: 'auto',
  precision: 'auto',
  allowSoftwareAdapter: false,
  adapter: gpu,
  gpuLost: null,
  jspi: true,
  isolated: true,
  cores: 4,
  encoderBytes: new Map([
    ['fp32', 40e6],
    ['fp16', 20e6],
    ['q8', 10e6],
  ]),
  onDevice: false,
  hasSelfTest: true,
};
const attempts = (changes: Partial<Circumstances>) =>
  planAttempts({ ...desk, ...changes }).attempts.map(
    ({ backend, precision, threads, build }) => `${backend} ${precision} ${threads} ${build}`,
  );
/** Of those on WASM the best precision's alone: the others follow it in their order. */
const firstAttempts = (changes: Partial<Circumstances>) =>
  attempts(changes).filter((each) => !/wasm fp/.test(each));
const reasons = (changes: Partial<Circumstances>) =>
  planAttempts({ ...desk, ...changes }).passedOver.map(({ precision, reason }) => `${precision}: ${reason}`);

describe('planAttempts', () => {
  it('takes a GPU with 16-bit shaders in fp16, then WASM with threads, then with one, in two precisions', () => {
    expect(attempts({})).toEqual([
      'webgpu fp16 1 jspi',
      'wasm q8 4 wasm',
      'wasm q8 1 wasm',
      'wasm fp32 4 wasm',
      'wasm fp32 1 wasm',
    ]);
    expect(planAttempts(desk).leftOut).toEqual(['fp16']);
  });

  it('leaves no precision out that is on the device, and counts a chosen one among two', () => {
    expect(attempts({ onDevice: true }).slice(-2)).toEqual(['wasm fp16 4 wasm', 'wasm fp16 1 wasm']);
    expect(planAttempts({ ...desk, onDevice: true }).leftOut).toEqual([]);
    const wasm: Circumstances = { ...desk, wanted: 'wasm', isolated: false, precision: 'fp16' };
    expect(attempts(wasm)).toEqual(['wasm fp16 1 wasm', 'wasm q8 1 wasm']);
    expect(planAttempts(wasm).leftOut).toEqual(['fp32']);
    expect(planAttempts({ ...desk, wanted: 'webgpu' }).leftOut).toEqual([]);
  });

  it('begins with the precision that was chosen, on the best device that takes it', () => {
    expect(attempts({ precision: 'q8' })[0]).toBe('wasm q8 4 wasm');
    expect(attempts({ precision: 'q8' })[2]).toBe('webgpu fp16 1 jspi');
    // Chosen, it may weigh what it weighs.
    expect(attempts({ precision: 'fp32' }).slice(0, 2)).toEqual(['webgpu fp32 1 jspi', 'wasm fp32 4 wasm']);
    expect(reasons({ precision: 'fp32' })).toEqual([]);
    // One that the folder has not is no choice.
    expect(attempts({ precision: 'q4' })).toEqual(attempts({}));
  });

  it('takes the larger WebGPU build where WebAssembly cannot wait for promises', () => {
    expect(attempts({ jspi: false })[0]).toBe('webgpu fp16 1 webgpu');
  });

  it('never takes fp16 without shader-f16; fp32 then only below the download limit', () => {
    const adapter = { ...gpu, shaderF16: false };
    expect(firstAttempts({ adapter })).toEqual(['wasm q8 4 wasm', 'wasm q8 1 wasm']);
    expect(reasons({ adapter })).toEqual([
      expect.stringMatching(/^fp16: .*shader-f16/),
      expect.stringMatching(/^fp32: .*40 MB, over the limit of 24/),
    ]);
    const encoderBytes = new Map([['fp32', WEBGPU_DOWNLOAD_LIMIT] as const, ['q8', 6e6] as const]);
    expect(attempts({ adapter, encoderBytes })[0]).toBe('webgpu fp32 1 jspi');
    // Nothing is downloaded then.
    expect(attempts({ adapter, onDevice: true })[0]).toBe('webgpu fp32 1 jspi');
  });

  it('takes fp32 of any size where WebGPU is asked for, and then nothing else', () => {
    expect(attempts({ wanted: 'webgpu', adapter: { ...gpu, shaderF16: false } })).toEqual([
      'webgpu fp32 1 jspi',
    ]);
    expect(firstAttempts({ wanted: 'wasm' })).toEqual(['wasm q8 4 wasm', 'wasm q8 1 wasm']);
    expect(reasons({ wanted: 'wasm' })).toEqual([]);
  });

  it('passes over software adapters unless they are allowed', () => {
    const adapter = { name: 'google swiftshader', software: true, shaderF16: false };
    const encoderBytes = new Map([['fp32', 1e6] as const]);
    expect(attempts({ adapter, encoderBytes })).toEqual(['wasm fp32 4 wasm', 'wasm fp32 1 wasm']);
    expect(reasons({ adapter, encoderBytes })).toEqual([expect.stringContaining('google swiftshader')]);
    expect(attempts({ adapter, encoderBytes, allowSoftwareAdapter: true })[0]).toBe('webgpu fp32 1 jspi');
  });

  it('passes over a GPU that was lost, one that cannot be checked, and one that is not there', () => {
    expect(reasons({ gpuLost: 'The GPU was lost.' })).toEqual(['fp16: The GPU was lost.']);
    expect(reasons({ hasSelfTest: false })).toEqual([expect.stringContaining('selftest.json')]);
    expect(reasons({ hasSelfTest: false, onDevice: true })[0]).toMatch(
      /Add the model again to have one made; a folder that was picked, delete first\.$/,
    );
    const encoderBytes = new Map([['q8', 1e6] as const]);
    // A self-test would not help.
    expect(reasons({ hasSelfTest: false, encoderBytes })[0]).toMatch(/neither fp16 nor fp32 encoders\.$/);
    expect(reasons({ onDevice: true, encoderBytes })[0]).toMatch(/Add the model in one of them/);
    const adapter = { absent: 'No WebGPU here.' };
    expect(reasons({ adapter })).toEqual(['fp16: No WebGPU here.']);
    for (const changes of [{ gpuLost: 'Lost.' }, { hasSelfTest: false }, { adapter }])
      expect(attempts(changes)[0]).toBe('wasm q8 4 wasm');
  });

  it('has one thread without isolation', () => {
    expect(firstAttempts({ wanted: 'wasm', isolated: false })).toEqual(['wasm q8 1 wasm']);
  });

  it('runs whatever a folder has on WASM, 8 bits first, then fp32 and fp16', () => {
    const order = (...found: Precision[]) =>
      attempts({
        wanted: 'wasm',
        isolated: false,
        onDevice: true,
        encoderBytes: new Map(found.map((each) => [each, 1])),
      });
    expect(order('fp32', 'fp16', 'uint8')).toEqual([
      'wasm uint8 1 wasm',
      'wasm fp32 1 wasm',
      'wasm fp16 1 wasm',
    ]);
    expect(order('q4', 'fp16')).toEqual(['wasm fp16 1 wasm', 'wasm q4 1 wasm']);
    for (const precision of PRECISIONS) expect(order(precision)).toEqual([`wasm ${precision} 1 wasm`]);
    expect(order()).toEqual([]);
  });
});

it('wasmThreads: all of few cores, half of many', () => {
  expect([1, 2, 4, 6, 8, 12, 16, 64].map(wasmThreads)).toEqual([1, 2, 4, 4, 4, 6, 8, 8]);
});

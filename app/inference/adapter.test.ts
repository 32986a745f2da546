import { afterEach, expect, it, vi } from 'vitest';
import { findAdapter } from './adapter.ts';

afterEach(() => vi.unstubAllGlobals());

const browser = (gpu?: { requestAdapter: () => Promise<unknown> }) =>
  vi.stubGlobal('navigator', gpu === undefined ? {} : { gpu });
const features = new Set(['shader-f16']);

it('names the adapter by what the browser says of it', async () => {
  const info = { vendor: 'acme', architecture: 'rocket', description: '', isFallbackAdapter: false };
  browser({ requestAdapter: async () => ({ info, features }) });
  expect(await findAdapter()).toEqual({ name: 'acme rocket', software: false, shaderF16: true });
});

it('says why there is none, whatever the browser does', async () => {
  browser();
  expect(await findAdapter()).toEqual({ absent: expect.stringContaining('no WebGPU') });
  browser({ requestAdapter: async () => null });
  expect(await findAdapter()).toEqual({ absent: expect.stringContaining('no WebGPU') });
  browser({
    requestAdapter: async () => {
      throw new DOMException('The instance is gone.', 'OperationError');
    },
  });
  expect(await findAdapter()).toEqual({ absent: expect.stringContaining('The instance is gone.') });
  browser({ requestAdapter: async () => ({ features }) });
  expect(await findAdapter()).toEqual({ absent: expect.stringContaining('GPU or software') });
});

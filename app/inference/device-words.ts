// Where a model runs, in words.

import type { Backend, ModelReport } from './types.ts';

export function backendWords(backend: Backend): string {
  return backend === 'webgpu' ? 'WebGPU' : 'WASM';
}

export function deviceWords({ backend, threads }: Pick<ModelReport, 'backend' | 'threads'>): string {
  if (backend === 'webgpu') return 'WebGPU';
  return `WASM, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

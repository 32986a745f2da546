// onnxruntime-web in the smallest build that does the job, from files of our own. The WebAssembly file is downloaded,
// checked and kept like a model's, so that its bytes are known beforehand and it works with the network off; only its
// JavaScript glue has an address, because the runtime starts its threads from it. (From a bundled worker's own address they
// would start this worker again and wait for ever.)

import asyncifyGlue from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import asyncifyWasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import jspiGlue from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url';
import jspiWasm from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';
import wasmGlue from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmWasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { DownloadError, type ExpectedFile } from './download.ts';
import type { RuntimeBuild } from './plan.ts';

export type Runtime = typeof import('onnxruntime-web');

const ADDRESSES: Readonly<Record<RuntimeBuild, { readonly glue: string; readonly wasm: string }>> = {
  wasm: { glue: wasmGlue, wasm: wasmWasm },
  jspi: { glue: jspiGlue, wasm: jspiWasm },
  webgpu: { glue: asyncifyGlue, wasm: asyncifyWasm },
};

function importBuild(build: RuntimeBuild): Promise<Runtime> {
  switch (build) {
    case 'wasm':
      return import('onnxruntime-web/wasm');
    case 'jspi':
      return import('onnxruntime-web/jspi');
    case 'webgpu':
      return import('onnxruntime-web/webgpu');
    default:
      return build satisfies never;
  }
}

export function runtimeFile(build: RuntimeBuild): ExpectedFile {
  return { url: new URL(ADDRESSES[build].wasm, location.href).href, ...ONNXRUNTIME_FILES[build] };
}

/**
 * The runtime's JavaScript, for one worker's life; it starts with the first session, from the WebAssembly that is given to
 * `setWasm`. Throws DownloadError.
 */
export async function importRuntime(build: RuntimeBuild): Promise<Runtime> {
  const glue = new URL(ADDRESSES[build].glue, location.href).href;
  try {
    // The runtime imports its glue itself, later: asking for it here saves the wait.
    const [runtime] = await Promise.all([importBuild(build), import(/* @vite-ignore */ glue)]);
    runtime.env.logLevel = 'error';
    runtime.env.wasm.wasmPaths = { mjs: glue };
    return runtime;
  } catch (error) {
    throw new DownloadError(
      'A part of the page could not be downloaded: the network is off, or the site was updated meanwhile. Reload the page.',
      { cause: error },
    );
  }
}

export function setWasm(runtime: Runtime, wasm: Uint8Array<ArrayBuffer>, threads: number): void {
  runtime.env.wasm.wasmBinary = wasm;
  runtime.env.wasm.numThreads = threads;
}

/**
 * Call when the sessions are there and `wasm` is kept: what the runtime was started from need not stay in memory beside it.
 * `wasm` is empty afterwards, also for the runtime's glue, which keeps it and cannot be told to let it go.
 */
export function dropWasm(runtime: Runtime, wasm: Uint8Array<ArrayBuffer>): void {
  runtime.env.wasm.wasmBinary = undefined;
  structuredClone(wasm.buffer, { transfer: [wasm.buffer] });
}

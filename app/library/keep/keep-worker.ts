// The worker that takes one model onto this device, and the only one that may ask another server: the service worker gives it a content
// security policy that names the hosts of its address' query and no others (app/security.ts). It is ended to cancel.

import { expose } from 'comlink';
import { findAdapter } from '../../inference/adapter.ts';
import { obtain } from '../../inference/kept-files.ts';
import { createSelfTestMaker } from '../../inference/reference.ts';
import { importRuntime, type Runtime, runtimeFile, setWasm } from '../../inference/runtime.ts';
import type { KeepApi } from './api.ts';
import { keepFolder, keepRemote } from './keep-model.ts';

/** With one thread: the page has a model of its own at work, and threads are what a browser is likeliest to break. */
async function startRuntime(): Promise<Runtime> {
  const [runtime, wasm] = await Promise.all([importRuntime('wasm'), obtain(runtimeFile('wasm'), () => {})]);
  setWasm(runtime, wasm.bytes, 1);
  return runtime;
}

const selfTestMaker = (allowSoftwareAdapter: boolean) =>
  createSelfTestMaker({ findAdapter, allowSoftwareAdapter, startRuntime });

const api: KeepApi = {
  remote: (source, precision, allowSoftwareAdapter, onProgress) =>
    keepRemote(source, precision, onProgress, selfTestMaker(allowSoftwareAdapter)),
  folder: (name, files, allowSoftwareAdapter, onProgress) =>
    keepFolder(name, files, onProgress, selfTestMaker(allowSoftwareAdapter)),
};

expose(api);

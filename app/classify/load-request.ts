// Which model, on which device: the site's own model unless the address says otherwise, as tests and the curious do.
//
//   ?model=tiny             another folder beside it, under models/
//   ?backend=webgpu|wasm    this device or none
//   ?software-adapter       a GPU in software counts as one

import type { LoadRequest } from '../inference/types.ts';

const DEFAULT_MODEL = 'promptlens-mini';

export function loadRequest(address: URL, base: URL): LoadRequest {
  const model = address.searchParams.get('model') ?? DEFAULT_MODEL;
  // A plain folder name: never a path to elsewhere.
  const folder = /^[\w-][\w.-]*$/.test(model) ? model : DEFAULT_MODEL;
  const backend = address.searchParams.get('backend');
  return {
    modelUrl: new URL(`models/${folder}/`, base).href,
    backend: backend === 'webgpu' || backend === 'wasm' ? backend : 'auto',
    allowSoftwareAdapter: address.searchParams.has('software-adapter'),
  };
}

// Which model, on which device: as the visitor chose, and otherwise as the address's query says, for tests and the curious.
//
//   ?model=tiny             another folder of the site, under models/, where none is chosen
//   ?backend=webgpu|wasm    this device or none
//   ?software-adapter       a GPU in software counts as one

import { placeOf } from '../inference/place.ts';
import type { LoadRequest, ModelChoice } from '../inference/types.ts';

const DEFAULT_MODEL = 'promptlens-mini';

/** The model where the visitor has chosen none. */
export function givenChoice(address: URL, base: URL): ModelChoice {
  const model = address.searchParams.get('model') ?? DEFAULT_MODEL;
  return { model: placeOf(model, base) === null ? DEFAULT_MODEL : model, precision: 'auto' };
}

export function allowsSoftwareAdapter(address: URL): boolean {
  return address.searchParams.has('software-adapter');
}

/** Throws a sentence where there can be no such model. */
export function loadRequest({ model, precision }: ModelChoice, address: URL, base: URL): LoadRequest {
  const backend = address.searchParams.get('backend');
  const place = placeOf(model, base);
  if (place === null) throw new Error(`There is no model “${model}”. Choose one in the list of models.`);
  return {
    place,
    precision,
    backend: backend === 'webgpu' || backend === 'wasm' ? backend : 'auto',
    allowSoftwareAdapter: allowsSoftwareAdapter(address),
  };
}

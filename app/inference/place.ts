// Where a model is, as the address and the list of models name it: `promptlens-mini`, a folder that the site serves beside its
// own, or `device:Xenova/mobileclip_s0`, one that the visitor has added to this device.

import { isPlainName } from '../../models/clip/plain-path.ts';
import type { ModelPlace } from './types.ts';

const ON_DEVICE = 'device:';

/** Null where `name` is none. `base` is the site's address, with a slash at its end. */
export function placeOf(name: string, base: URL): ModelPlace | null {
  if (name.startsWith(ON_DEVICE) && name.length > ON_DEVICE.length) {
    return { on: 'device', id: name.slice(ON_DEVICE.length) };
  }
  return isPlainName(name) ? { on: 'site', url: new URL(`models/${name}/`, base).href } : null;
}

export function nameOnDevice(id: string): string {
  return `${ON_DEVICE}${id}`;
}

/** For people: without what only tells where it is. */
export function titleOf(name: string): string {
  return name.startsWith(ON_DEVICE) ? name.slice(ON_DEVICE.length) : name;
}

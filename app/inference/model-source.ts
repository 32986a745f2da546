// A model folder wherever the visitor chose it: on the site's server or on this device.

import { openDeviceModel } from '../storage/device-models.ts';
import type { OnBytes } from './download.ts';
import { type ModelSource, openRemoteFolder } from './remote-folder.ts';
import type { ModelPlace } from './types.ts';

/** Opens a folder; `onBytes` hears of every byte that is read from it from now on. */
export async function openModelSource(place: ModelPlace, onBytes: OnBytes): Promise<ModelSource> {
  if (place.on === 'site') return openRemoteFolder(place.url, onBytes);
  const folder = await openDeviceModel(place.id);
  return {
    ...folder,
    read: async (path) => {
      const bytes = await folder.read(path);
      onBytes(bytes.length);
      return bytes;
    },
    keepRecord: async () => true,
  };
}

// What additions.ts and keep-worker.ts say to each other over comlink. Types only.

import type { Precision } from '../../../models/clip/types.ts';
import type { Added, OnProgress, PickedFile } from './keep-model.ts';
import type { Source } from './source.ts';

export interface KeepApi {
  /** `allowSoftwareAdapter` as models are loaded with it; `onProgress` is a comlink proxy. */
  remote(
    source: Source,
    precision: 'auto' | Precision,
    allowSoftwareAdapter: boolean,
    onProgress: OnProgress,
  ): Promise<Added>;
  folder(
    name: string,
    files: readonly PickedFile[],
    allowSoftwareAdapter: boolean,
    onProgress: OnProgress,
  ): Promise<Added>;
}

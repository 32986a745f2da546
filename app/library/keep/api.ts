// What additions.ts and keep-worker.ts say to each other over comlink. Types only.

import type { Precision } from '../../../models/clip/types.ts';
import type { OnProgress, PickedFile } from './keep-model.ts';
import type { Source } from './source.ts';

export interface KeepApi {
  /** Resolves to the model's id on this device. `onProgress` is a comlink proxy. */
  remote(source: Source, precision: 'auto' | Precision, onProgress: OnProgress): Promise<string>;
  folder(name: string, files: readonly PickedFile[], onProgress: OnProgress): Promise<string>;
}

// A checkpoint as all its readers give it: what tensors there are, and each by itself, so that none needs the whole in memory.

import type { Tensor, TensorInfo } from '../../clip/safetensors.ts';

export interface Checkpoint {
  /** For messages: the file that a person named. */
  readonly name: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** One of `tensors`, by its name. */
  read(name: string): Promise<Tensor>;
  close(): Promise<void>;
}

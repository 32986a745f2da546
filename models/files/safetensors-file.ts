// A safetensors file of which a tensor at a time is read, so that its length may exceed the memory, and what one read gives.

import {
  readSafetensorsHeader,
  readTensor,
  type SafetensorsHeader,
  safetensorsHeaderEnd,
  type Tensor,
} from '../clip/safetensors.ts';
import type { RangeFile } from './range-file.ts';

const HEADER_LENGTH = 8;

export interface SafetensorsFile extends SafetensorsHeader {
  readonly name: string;
  /** One of `tensors`, by its name. */
  read(name: string): Promise<Tensor>;
  close(): Promise<void>;
}

/** Rejects with a sentence where `file` is none; who opened it then closes it. */
export async function openSafetensorsFile(file: RangeFile): Promise<SafetensorsFile> {
  const end = safetensorsHeaderEnd(await file.read(0, Math.min(HEADER_LENGTH, file.bytes)), file.path);
  const head = await file.read(0, Math.min(end, file.bytes));
  const { tensors, metadata } = readSafetensorsHeader(head, file.path, file.bytes);
  return {
    name: file.path,
    tensors,
    metadata,
    async read(name) {
      const place = tensors.get(name);
      if (!place) throw new Error(`${file.path} holds no tensor ${name}.`);
      return readTensor(await file.read(place.start, place.end), place);
    },
    close: () => file.close(),
  };
}

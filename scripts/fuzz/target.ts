// A reader that takes files from outside, and how hostile files for it are made.

import { parseJson } from '../../models/clip/checked.ts';
import { json } from '../../models/clip/fixtures/tiny-model.ts';
import type { Random } from '../../models/data/random.ts';
import { mutated, spoiled } from './mutate.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

export interface Target {
  /** The kind of file. */
  readonly name: string;
  /** What a refusal has to name. */
  readonly names: RegExp;
  /** A file, sound or not, out of these draws alone. */
  make(random: Random): Bytes;
  /** As the product reads it. */
  read(file: Bytes): unknown;
}

/** Of JSON files: mutated as bytes, or with other values in them. */
export function jsonTarget(
  name: string,
  sound: unknown,
  read: (value: unknown, fileName: string) => unknown,
): Target {
  const fileName = `${name}.json`;
  return {
    name,
    names: new RegExp(name),
    make: spoiledJson(sound),
    read: (file) => read(parseJson(file, fileName), fileName),
  };
}

export function spoiledJson(sound: unknown): Target['make'] {
  const whole = [json(sound)];
  return (random) => (random() < 0.3 ? mutated(whole, random) : json(spoiled(sound, random)));
}

// resample.wat, ready to be called. It is loaded once, when the first picture comes; its memory grows to what the largest one
// takes and is used again for the next. Vectors in WebAssembly are asked for by onnxruntime-web too: no browser that runs a
// model lacks them.

import { WASM } from './resample-wasm.ts';

/** Addresses are bytes in `memory`; resample.wat says what lies there. */
export interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  expand(from: number, to: number, pixels: number): void;
  row(line: number, table: number, count: number, out: number): void;
  columns(rows: number, stride: number, table: number, count: number, out: number): void;
}

/** What a loop may read or write behind the end of an array. */
const SLACK = 16;
const PAGE = 65_536;

let loaded: Kernel | undefined;

export function kernel(): Kernel {
  loaded ??= load();
  return loaded;
}

function load(): Kernel {
  const bytes = Uint8Array.from(atob(WASM), (character) => character.charCodeAt(0));
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Kernel;
}

/** Gives each array, of so many bytes, an address in the memory, and the memory the pages for them. */
export function layOut<Name extends string>(
  memory: Kernel['memory'],
  sizes: Readonly<Record<Name, number>>,
): Record<Name, number> {
  let end = 0;
  const place = ([name, size]: [string, number]) => {
    const at = end;
    end += SLACK * Math.ceil((size + SLACK) / SLACK);
    return [name, at];
  };
  const addresses = Object.fromEntries(Object.entries<number>(sizes).map(place)) as Record<Name, number>;
  const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
  if (missing > 0) memory.grow(missing);
  return addresses;
}

// Weights for a published CLIP's size out of its tensors' names: make.py has the same generator, so that no weights need to be kept to
// compare two implementations. Names and layouts are OpenAI's.

import type { Tensor } from '../../clip/safetensors.ts';

/** FNV-1a of the name: where a tensor's numbers begin. */
function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** What a number between -1 and 1 is made into, by the kind of tensor; scales are those at which a deep network stays finite. */
function spread(name: string, shape: readonly number[]): { readonly mean: number; readonly scale: number } {
  if (name === 'logit_scale') return { mean: Math.log(1 / 0.07), scale: 0 };
  if (name.endsWith('running_var')) return { mean: 1, scale: 0.5 };
  if (name.endsWith('running_mean') || name.endsWith('bias')) return { mean: 0, scale: 0.1 };
  if (shape.length === 1 && name.endsWith('.weight')) return { mean: 1, scale: 0.2 };
  if (/embedding/.test(name)) return { mean: 0, scale: 0.1 };
  // A projection's rows are its inputs; those of all others its outputs.
  const isProjection = name === 'text_projection' || name === 'visual.proj';
  const inputs = isProjection ? shape[0] : shape.slice(1).reduce((product, side) => product * side, 1);
  return { mean: 0, scale: Math.sqrt(3 / inputs) };
}

/** Murmur's last mixing steps of place and seed, as a number from -1 to 1 in float32. */
export function seededTensor(name: string, shape: readonly number[]): Tensor {
  const { mean, scale } = spread(name, shape);
  const seed = seedOf(name);
  const data = new Float32Array(shape.reduce((product, side) => product * side, 1));
  for (let i = 0; i < data.length; i++) {
    let x = (i + seed) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x = (x ^ (x >>> 16)) >>> 0;
    data[i] = mean + scale * (x / 2 ** 31 - 1);
  }
  return { dtype: 'F32', shape, data };
}

/**
 * Small seeded generators. Everything that training draws (order, captions, crops) comes from a stream named by what it
 * is for and by numbers such as (seed, epoch, row), so that any draw can be repeated alone, in any order, on any thread.
 */

export type Random = () => number;

/** splitmix32's finaliser: a bijection of 32-bit numbers in which every input bit moves every output bit. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return (h ^ (h >>> 15)) >>> 0;
}

/** A 32-bit hash of words and integers, in this order. */
export function hash(...parts: readonly (string | number)[]): number {
  let h = 0;
  const add = (value: number) => {
    h = mix(h + 0x9e3779b9) ^ mix(value);
  };
  for (const part of parts) {
    if (typeof part === 'number') add(part);
    else for (let i = 0; i < part.length; i++) add(part.charCodeAt(i));
  }
  return mix(h);
}

/** A generator of numbers in [0, 1) with 32 bits each: sfc32 (Chris Doty-Humphrey, PractRand). */
export function randomStream(...parts: readonly (string | number)[]): Random {
  let a = hash(...parts);
  let b = mix(a + 1);
  let c = mix(b + 1);
  let counter = 1;
  const next = () => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** One of the items, each as likely as the other. */
export function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)];
}

/** The numbers 0 to n - 1 in an order drawn by Fisher and Yates' shuffle. */
export function permutation(n: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}

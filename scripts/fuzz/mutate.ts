// Files that are nearly sound: bytes changed, numbers overwritten, pieces cut, repeated and put together; and JSON with hostile
// values in its places.

import { pick, type Random } from '../../models/data/random.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type Mutation = (bytes: Bytes, random: Random, other: Bytes) => Bytes;

/** A whole number below `limit`. */
export const below = (limit: number, random: Random): number => Math.floor(random() * limit);

/** Where readers count wrong: ends of ranges, signs, lengths beyond all files. */
const NUMBERS = [
  0,
  1,
  2,
  7,
  8,
  127,
  128,
  255,
  256,
  32767,
  65535,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 48,
];

function joined(...parts: readonly Uint8Array[]): Bytes {
  return Uint8Array.from(Buffer.concat(parts));
}

/** Mostly near the beginning or the end, where headers and directories are. */
function placeIn(bytes: Uint8Array, random: Random): number {
  const near = Math.min(bytes.length, 256);
  const choice = random();
  if (choice < 0.4) return below(near, random);
  return choice < 0.6 ? bytes.length - 1 - below(near, random) : below(bytes.length, random);
}

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    bytes[placeIn(bytes, random)] ^= 1 << below(8, random);
    return bytes;
  },
  function setByte(bytes, random) {
    bytes[placeIn(bytes, random)] = pick([0, 1, 0x2e, 0x7f, 0x80, 0xff, below(256, random)], random);
    return bytes;
  },
  function overwriteNumber(bytes, random) {
    const width = pick([2, 4, 8], random);
    const at = placeIn(bytes, random);
    if (at + width > bytes.length) return bytes;
    const near = bytes.length + below(5, random) - 2;
    const number = BigInt.asUintN(
      8 * width,
      BigInt(random() < 0.3 ? near : pick(NUMBERS, random)) * (random() < 0.2 ? -1n : 1n),
    );
    const little = random() < 0.7;
    for (let i = 0; i < width; i++)
      bytes[at + (little ? i : width - 1 - i)] = Number((number >> BigInt(8 * i)) & 255n);
    return bytes;
  },
  function cutEnd(bytes, random) {
    return bytes.slice(0, below(bytes.length, random));
  },
  function cutOut(bytes, random) {
    const at = placeIn(bytes, random);
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + below(random() < 0.5 ? 8 : 200, random)));
  },
  function insert(bytes, random) {
    const at = placeIn(bytes, random);
    const more = Uint8Array.from({ length: 1 + below(16, random) }, () => below(256, random));
    return joined(bytes.subarray(0, at), more, bytes.subarray(at));
  },
  function repeat(bytes, random) {
    const at = placeIn(bytes, random);
    const piece = bytes.subarray(at, at + 1 + below(random() < 0.5 ? 8 : 300, random));
    const times = random() < 0.01 ? 20_000 : 1 + below(40, random);
    return joined(bytes.subarray(0, at), ...new Array(times).fill(piece), bytes.subarray(at));
  },
  function splice(bytes, random, other) {
    return joined(bytes.subarray(0, placeIn(bytes, random)), other.subarray(placeIn(other, random)));
  },
  function copyWithin(bytes, random) {
    const from = placeIn(bytes, random);
    return bytes.copyWithin(placeIn(bytes, random), from, from + 1 + below(32, random));
  },
];

/** One of `sound` after some mutations; others lend pieces. */
export function mutated(sound: readonly Bytes[], random: Random): Bytes {
  let bytes = pick(sound, random).slice();
  for (let times = 1 + Math.floor(8 * random() ** 3); times > 0 && bytes.length > 0; times--) {
    bytes = pick(MUTATIONS, random)(bytes, random, pick(sound, random));
  }
  return bytes;
}

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

/** Values that stand where others are expected. */
const HOSTILE: readonly ((random: Random) => unknown)[] = [
  () => null,
  () => true,
  (random) => pick(NUMBERS, random) * (random() < 0.3 ? -1 : 1),
  (random) => pick([0.5, 1e308, -1e-308, Number.MAX_SAFE_INTEGER, 2 ** 60], random),
  (random) => pick(['', '\n', '../x', '/etc/passwd', '__proto__', 'constructor', '\ud800', '{}'], random),
  (random) => 'x'.repeat(below(20_000, random)),
  () => [],
  () => ({}),
  (random) => nested(1 + below(100, random)),
  (random) => new Array(below(5000, random)).fill(0),
  (random) => Object.fromEntries(Array.from({ length: below(2000, random) }, (_, i) => [`k${i}`, i])),
];

/** `sound`, of which one or a few values are others, gone or there twice. */
export function spoiled(sound: unknown, random: Random): unknown {
  let value = structuredClone(sound);
  for (let times = 1 + below(3, random); times > 0; times--) value = spoiledOnce(value, random);
  return value;
}

function spoiledOnce(value: unknown, random: Random): unknown {
  const isContainer = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  if (!isContainer || random() < 0.1) return pick(HOSTILE, random)(random);
  const container = value as Record<string, unknown>;
  const key = pick(Object.keys(container), random);
  const choice = random();
  if (choice < 0.1) delete container[key];
  else if (choice < 0.2) container[pick(['__proto__x', '', 'a\nb', key.repeat(50)], random)] = container[key];
  else container[key] = spoiledOnce(container[key], random);
  return value;
}

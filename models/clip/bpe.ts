// Byte-pair encoding of one word: its bytes become symbols, then the adjacent pair with the lowest rank (the earliest
// learned merge; the leftmost of equals) is merged until no pair has a rank. A heap of candidates over a linked list
// makes that O(n log n), so a word of 100,000 characters is no trouble.

import { BYTE_SYMBOLS, END_OF_WORD } from './byte-symbols.ts';
import { Heap } from './heap.ts';

/** Words that are remembered, and their greatest length: some 10 MB at worst, more distinct words than prompts hold. */
const CACHED_WORDS = 32_768;
const CACHED_WORD_LENGTH = 32;

/** A merge by token ids: `left` and `right`, adjacent, become `result`. Its rank is its place in the list. */
export type Merge = readonly [left: number, right: number, result: number];

/** Makes the function that encodes a word. A byte that the vocabulary lacks becomes `unknownId`. */
export function createWordEncoder(
  vocabulary: ReadonlyMap<string, number>,
  merges: readonly Merge[],
  unknownId: number,
): (word: string) => readonly number[] {
  const merge = createMerger(merges);
  const idOf = (symbol: string) => vocabulary.get(symbol) ?? UNKNOWN;
  const inside = Int32Array.from(BYTE_SYMBOLS, idOf);
  const atEnd = Int32Array.from(BYTE_SYMBOLS, (symbol) => idOf(symbol + END_OF_WORD));
  const utf8 = new TextEncoder();
  const copier = new TextDecoder('utf-8', { ignoreBOM: true });
  const cache = new Map<string, readonly number[]>();

  return (word) => {
    const known = cache.get(word);
    if (known) return known;
    const bytes = utf8.encode(word);
    const symbols = Int32Array.from(bytes, (byte) => inside[byte]);
    symbols[bytes.length - 1] = atEnd[bytes[bytes.length - 1]];
    const ids = merge(symbols).map((id) => (id === UNKNOWN ? unknownId : id));
    if (word.length <= CACHED_WORD_LENGTH) {
      if (cache.size === CACHED_WORDS) cache.clear();
      // A copy: `word` is a slice, which would keep its whole text alive.
      cache.set(copier.decode(bytes), ids);
    }
    return ids;
  };
}

/** Stands for a byte without a token while a word is merged: no merge has it. */
const UNKNOWN = -1;

/** A candidate in the heap is one number, rank · 2³¹ + position: exact, and ordered as the merges are to be done. */
const POSITIONS = 2 ** 31;
const NO_PAIR = -1;

function createMerger(merges: readonly Merge[]): (symbols: Int32Array) => number[] {
  const size = 1 + merges.reduce((most, [left, right]) => Math.max(most, left, right), 0);
  const ranks = new Map(merges.map(([left, right], rank) => [left * size + right, rank]));
  const candidates = new Heap<number>((a, b) => a < b);

  return (symbols) => {
    const { length } = symbols;
    const next = Int32Array.from(symbols, (_, at) => at + 1);
    const previous = Int32Array.from(symbols, (_, at) => at - 1);
    /** The rank of the pair that starts at a position: a candidate whose rank is another one is out of date. */
    const pairRank = new Int32Array(length).fill(NO_PAIR);

    const consider = (at: number) => {
      const right = next[at] < length ? symbols[next[at]] : UNKNOWN;
      const rank =
        right === UNKNOWN || symbols[at] === UNKNOWN ? undefined : ranks.get(symbols[at] * size + right);
      pairRank[at] = rank ?? NO_PAIR;
      if (rank !== undefined) candidates.push(rank * POSITIONS + at);
    };

    for (let at = 0; at < length; at++) consider(at);
    for (let candidate = candidates.pop(); candidate !== undefined; candidate = candidates.pop()) {
      const at = candidate % POSITIONS;
      const rank = (candidate - at) / POSITIONS;
      if (pairRank[at] !== rank) continue;
      const gone = next[at];
      symbols[at] = merges[rank][2];
      pairRank[gone] = NO_PAIR;
      next[at] = next[gone];
      if (next[at] < length) previous[next[at]] = at;
      consider(at);
      if (previous[at] >= 0) consider(previous[at]);
    }

    const ids: number[] = [];
    for (let at = 0; at < length; at = next[at]) ids.push(symbols[at]);
    return ids;
  };
}

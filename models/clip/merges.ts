// The merges of a byte-pair encoding, done on one word: the adjacent pair with the lowest rank (the earliest learned
// merge; the leftmost of equals) is merged until no pair has a rank. Two ways to the same end: a word of a few bytes is
// looked through for its best pair each time; a long one keeps its pairs in a heap over a linked list, O(n log n), so
// that a word of 100,000 characters is no trouble.

import { Heap } from './heap.ts';

/** A merge by token ids: `left` and `right`, adjacent, become `result`. Its rank is its place in the list. */
export type Merge = readonly [left: number, right: number, result: number];

/** Where looking through the word, quadratic, becomes slower than the heap. */
const SHORT = 32;
const NO_RANK = -1;

/** Makes the function that merges a word, given and returned as token ids; a negative id is never merged. It overwrites its argument. */
export function createMerger(merges: readonly Merge[]): (symbols: Int32Array) => number[] {
  const rankOf = createRanks(merges);
  const results = Int32Array.from(merges, ([, , result]) => result);
  const candidates = new Heap<number>((a, b) => a < b);

  function mergeShort(symbols: Int32Array): number[] {
    let { length } = symbols;
    for (;;) {
      let best = NO_RANK;
      let at = 0;
      for (let i = 0; i + 1 < length; i++) {
        const rank = rankOf(symbols[i], symbols[i + 1]);
        if (rank !== NO_RANK && (best === NO_RANK || rank < best)) {
          best = rank;
          at = i;
        }
      }
      if (best === NO_RANK) break;
      symbols[at] = results[best];
      length--;
      for (let i = at + 1; i < length; i++) symbols[i] = symbols[i + 1];
    }
    const ids: number[] = [];
    for (let i = 0; i < length; i++) ids.push(symbols[i]);
    return ids;
  }

  function mergeLong(symbols: Int32Array): number[] {
    const { length } = symbols;
    const next = Int32Array.from(symbols, (_, at) => at + 1);
    const previous = Int32Array.from(symbols, (_, at) => at - 1);
    /** The rank of the pair that starts at a position: a candidate whose rank is another one is out of date. */
    const pairRank = new Int32Array(length);

    const consider = (at: number) => {
      const rank = next[at] < length ? rankOf(symbols[at], symbols[next[at]]) : NO_RANK;
      pairRank[at] = rank;
      // One number that is ordered as the merges are to be done, and exact below 2⁵³.
      if (rank !== NO_RANK) candidates.push(rank * length + at);
    };

    for (let at = 0; at < length; at++) consider(at);
    for (let candidate = candidates.pop(); candidate !== undefined; candidate = candidates.pop()) {
      const at = candidate % length;
      const rank = (candidate - at) / length;
      if (pairRank[at] !== rank) continue;
      const gone = next[at];
      symbols[at] = results[rank];
      pairRank[gone] = NO_RANK;
      next[at] = next[gone];
      if (next[at] < length) previous[next[at]] = at;
      consider(at);
      if (previous[at] >= 0) consider(previous[at]);
    }

    const ids: number[] = [];
    for (let at = 0; at < length; at = next[at]) ids.push(symbols[at]);
    return ids;
  }

  return (symbols) => (symbols.length <= SHORT ? mergeShort(symbols) : mergeLong(symbols));
}

/**
 * Looks up a pair's rank, {@link NO_RANK} where it has none, in an open hash table. (A Map would need keys beyond 31
 * bits, which V8 keeps as objects and looks up slowly.) Of equal pairs the last counts, as in Hugging Face's tables.
 */
function createRanks(merges: readonly Merge[]): (left: number, right: number) => number {
  const bits = 1 + Math.ceil(Math.log2(merges.length + 1));
  const slots = new Int32Array(2 ** bits).fill(NO_RANK);
  const lefts = Int32Array.from(merges, ([left]) => left);
  const rights = Int32Array.from(merges, ([, right]) => right);

  /** The pair's slot, or the free one where it belongs; at most half of the slots are taken. */
  const slotOf = (left: number, right: number) => {
    // Multiplicative hashing: the product's upper bits are the well mixed ones.
    let slot = Math.imul(Math.imul(left, 0x9e3779b1) + right, 0x85ebca6b) >>> (32 - bits);
    for (;;) {
      const rank = slots[slot];
      if (rank === NO_RANK || (lefts[rank] === left && rights[rank] === right)) return slot;
      slot = (slot + 1) & (slots.length - 1);
    }
  };
  for (let rank = 0; rank < merges.length; rank++) slots[slotOf(lefts[rank], rights[rank])] = rank;
  return (left, right) => slots[slotOf(left, right)];
}

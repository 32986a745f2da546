// Byte-pair encoding of one word: its UTF-8 bytes become symbols, the last one marked as the word's end, and these are
// merged (merges.ts). Words that were met before are remembered.

import { BYTE_SYMBOLS, END_OF_WORD } from './byte-symbols.ts';
import { createMerger, type Merge } from './merges.ts';

/** Words that are remembered, and their greatest length: some 10 MB at worst, more distinct words than prompts hold. */
const CACHED_WORDS = 32_768;
const CACHED_WORD_LENGTH = 32;

/** Stands for a byte that the vocabulary lacks while a word is merged: no merge has it. */
const UNKNOWN = -1;

/** Makes the function that gives a word's token ids. A byte that the vocabulary lacks becomes `unknownId`. */
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
    const symbols = new Int32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) symbols[i] = inside[bytes[i]];
    symbols[bytes.length - 1] = atEnd[bytes[bytes.length - 1]];
    const ids = merge(symbols);
    for (let i = 0; i < ids.length; i++) if (ids[i] === UNKNOWN) ids[i] = unknownId;
    if (word.length <= CACHED_WORD_LENGTH) {
      if (cache.size === CACHED_WORDS) cache.clear();
      // A copy: `word` is a slice, which would keep its whole text alive.
      cache.set(copier.decode(bytes), ids);
    }
    return ids;
  };
}

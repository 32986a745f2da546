// Learns a vocabulary from captions by byte-pair encoding (Sennrich et al. 2016, section 3.2, with CLIP's bytes and
// `</w>`): count the words, then merge the most frequent adjacent pair again and again. The counts are kept per
// distinct word and brought up to date only where a merge changes a word, so 200,000 captions take seconds.
// Deterministic: of equally frequent pairs the one with the lower ids, left before right, is merged first.

import { BASE_VOCABULARY, BYTES_IN_VOCABULARY_ORDER, END, END_OF_WORD, START } from './byte-symbols.ts';
import { Heap } from './heap.ts';
import { createWordSplitter, SPLIT_PATTERNS } from './split-words.ts';
import type { TokenizerDefinition } from './tokenizer-files.ts';

/** A pair that occurs once says nothing about the language. */
const LEAST_COUNT = 2;

/**
 * A complete tokenizer.json in CLIP's layout: 512 byte symbols, the merges' tokens, start and end of text; Hugging
 * Face's libraries read it too. It holds `vocabSize` tokens, or fewer where the captions have no more pairs that occur
 * twice: take the number from the result. Throws a RangeError for a `vocabSize` below 514.
 */
export function learnVocabulary(
  captions: Iterable<string>,
  { vocabSize }: { readonly vocabSize: number },
): LearnedTokenizer {
  const fixed = BASE_VOCABULARY.length + 2;
  if (!Number.isInteger(vocabSize) || vocabSize < fixed) {
    throw new RangeError(
      `Cannot learn a vocabulary of ${vocabSize} tokens: it needs at least ${fixed}, for 512 byte symbols and two special tokens.`,
    );
  }
  const { tokens, merges } = learnMerges(countWords(captions), vocabSize - 2);
  return tokenizerJson([...tokens, START, END], merges);
}

/** What tokenizer_config.json says beside a learned tokenizer.json; transformers.js wants both. */
export function tokenizerConfig(contextLength: number) {
  return {
    add_prefix_space: false,
    bos_token: START,
    clean_up_tokenization_spaces: false,
    do_lower_case: true,
    eos_token: END,
    errors: 'replace',
    model_max_length: contextLength,
    pad_token: END,
    processor_class: 'CLIPProcessor',
    tokenizer_class: 'CLIPTokenizer',
    unk_token: END,
  };
}

/** The same of a tokenizer that was read from other files: vocab.json and merges.txt, or OpenAI's list of merges. */
export function tokenizerJsonOf({ vocabulary, merges }: TokenizerDefinition): LearnedTokenizer {
  const tokens: string[] = [];
  for (const [token, id] of vocabulary) tokens[id] = token;
  return tokenizerJson(
    tokens,
    merges.map(([left, right]) => [tokens[left], tokens[right]]),
  );
}

export type LearnedTokenizer = ReturnType<typeof tokenizerJson>;

function countWords(captions: Iterable<string>): Map<string, number> {
  const split = createWordSplitter(SPLIT_PATTERNS[0], []);
  const counts = new Map<string, number>();
  for (const caption of captions) {
    for (const word of split(caption)) {
      if (typeof word === 'string') counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

/** An adjacent pair of tokens, how often it occurs, and the words (by index) that have or once had it. */
interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  readonly words: Set<number>;
}

function learnMerges(
  words: ReadonlyMap<string, number>,
  size: number,
): { tokens: string[]; merges: [string, string][] } {
  const tokens = [...BASE_VOCABULARY];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const spelled = [...words.keys()].map(spell);
  const occurrences = [...words.values()];
  const pairs = countedPairs(size);
  for (const [word, symbols] of spelled.entries()) pairs.add(word, symbols, occurrences[word]);

  const merges: [string, string][] = [];
  while (tokens.length < size) {
    const pair = pairs.mostFrequent();
    if (!pair) break;
    const left = tokens[pair.left];
    const right = tokens[pair.right];
    merges.push([left, right]);
    // Two merges may spell the same token, (a, bc) and (ab, c): it keeps its first id.
    let id = ids.get(left + right);
    if (id === undefined) {
      id = tokens.push(left + right) - 1;
      ids.set(left + right, id);
    }
    for (const word of pair.words) {
      pairs.remove(spelled[word], occurrences[word]);
      mergePair(spelled[word], pair.left, pair.right, id);
      pairs.add(word, spelled[word], occurrences[word]);
    }
    pair.words.clear();
  }
  return { tokens, merges };
}

/** The pairs of words of tokens below `size`, counted, and the most frequent of them at hand. */
function countedPairs(size: number) {
  const pairs = new Map<number, Pair>();
  const queue = new Heap<{ readonly pair: Pair; readonly count: number }>(
    (a, b) =>
      a.count > b.count ||
      (a.count === b.count &&
        (a.pair.left < b.pair.left || (a.pair.left === b.pair.left && a.pair.right < b.pair.right))),
  );
  /** The pairs whose counts were touched since the queue saw them, with the count that it saw. */
  const touched = new Map<Pair, number>();

  const pairOf = (left: number, right: number): Pair => {
    const key = left * size + right;
    let pair = pairs.get(key);
    if (!pair) {
      pair = { left, right, count: 0, words: new Set() };
      pairs.set(key, pair);
    }
    return pair;
  };
  const change = (pair: Pair, by: number) => {
    if (!touched.has(pair)) touched.set(pair, pair.count);
    pair.count += by;
  };

  return {
    add(word: number, symbols: readonly number[], occurrences: number): void {
      for (let i = 1; i < symbols.length; i++) {
        const pair = pairOf(symbols[i - 1], symbols[i]);
        change(pair, occurrences);
        pair.words.add(word);
      }
    },
    remove(symbols: readonly number[], occurrences: number): void {
      for (let i = 1; i < symbols.length; i++) change(pairOf(symbols[i - 1], symbols[i]), -occurrences);
    },
    /** Null where none is left that occurs twice. */
    mostFrequent(): Pair | null {
      for (const [pair, before] of touched) {
        if (pair.count !== before && pair.count >= LEAST_COUNT) queue.push({ pair, count: pair.count });
      }
      touched.clear();
      // Every change of a count was enqueued anew, so an entry with another count is out of date.
      for (let entry = queue.pop(); entry; entry = queue.pop()) {
        if (entry.count === entry.pair.count) return entry.pair;
      }
      return null;
    },
  };
}

/** A word as the ids of its bytes, the last one with `</w>`. */
function spell(word: string): number[] {
  const bytes = new TextEncoder().encode(word);
  return Array.from(bytes, (byte, i) => BYTE_IDS[byte] + (i === bytes.length - 1 ? 256 : 0));
}

const BYTE_IDS = Uint8Array.from({ length: 256 }, (_, byte) => BYTES_IN_VOCABULARY_ORDER.indexOf(byte));

/** Merges every such pair in place, from the left. */
function mergePair(symbols: number[], left: number, right: number, merged: number): void {
  let kept = 0;
  for (let i = 0; i < symbols.length; i++) {
    const match = symbols[i] === left && i + 1 < symbols.length && symbols[i + 1] === right;
    symbols[kept++] = match ? merged : symbols[i];
    if (match) i++;
  }
  symbols.length = kept;
}

function tokenizerJson(tokens: readonly string[], merges: readonly [string, string][]) {
  const start = tokens.indexOf(START);
  const end = tokens.indexOf(END);
  const added = { single_word: false, lstrip: false, rstrip: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      { id: start, content: START, ...added, normalized: true },
      { id: end, content: END, ...added, normalized: false },
    ],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: SPLIT_PATTERNS[0] }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [END, end],
      cls: [START, start],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: END,
      continuing_subword_prefix: '',
      end_of_word_suffix: END_OF_WORD,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

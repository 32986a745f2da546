// Byte-level BPE writes a word as printable characters, one per UTF-8 byte, so that a vocabulary is plain text without
// spaces or control characters. The bytes that print as themselves in Latin-1 keep their character; the other 68 take
// U+0100 onwards, in order. This is GPT-2's table (`bytes_to_unicode` in openai/CLIP's simple_tokenizer.py).

const printable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

const bytes = Array.from({ length: 256 }, (_, byte) => byte);

/** The 256 bytes in the order in which CLIP's vocabulary numbers them: the printable ones first. */
export const BYTES_IN_VOCABULARY_ORDER: readonly number[] = [
  ...bytes.filter(printable),
  ...bytes.filter((byte) => !printable(byte)),
];

/** The character that stands for each byte. */
export const BYTE_SYMBOLS: readonly string[] = bytes.map((byte) =>
  String.fromCharCode(
    printable(byte) ? byte : 0x100 + bytes.filter((other) => other < byte && !printable(other)).length,
  ),
);

/** The byte that each character stands for: the inverse of {@link BYTE_SYMBOLS}. */
export const SYMBOL_BYTES: ReadonlyMap<string, number> = new Map(
  BYTE_SYMBOLS.map((symbol, byte) => [symbol, byte]),
);

/** What every text begins and ends with. */
export const START = '<|startoftext|>';
export const END = '<|endoftext|>';

/** Marks a token that ends a word. */
export const END_OF_WORD = '</w>';

/** The first 512 entries of every CLIP vocabulary: each byte inside a word, then each byte at a word's end. */
export const BASE_VOCABULARY: readonly string[] = [
  ...BYTES_IN_VOCABULARY_ORDER.map((byte) => BYTE_SYMBOLS[byte]),
  ...BYTES_IN_VOCABULARY_ORDER.map((byte) => BYTE_SYMBOLS[byte] + END_OF_WORD),
];

// From a prompt to the words that byte-pair encoding works on: NFC, white space, lower case, then CLIP's split pattern.
//
// There are three conventions in the field:
//   1. OpenAI's Python: ftfy, HTML entities resolved twice, white space collapsed, lower case, a pattern that ignores
//      case. A special token's text becomes its id in any case, where the pattern meets it.
//   2. Hugging Face's slow CLIPTokenizer: special tokens are cut out first, as they are written; then ftfy, white space
//      and lower case, or without ftfy BERT's cleaning (drops control characters, puts spaces around CJK).
//   3. Hugging Face's fast tokenizer, which is what tokenizer.json describes: NFC, white space, lower case, pattern; no
//      ftfy, no HTML. The start token is sought after lowering the case, the end token before it.
// We follow 3 as @huggingface/tokenizers 0.2 carries it out, because transformers.js feeds the same folders with it. It
// differs from the Rust library in three corners, and we differ alike: Σ at the end of a word becomes ς (as in Python,
// and unlike Rust); U+FEFF ends a word (ECMAScript's \s has it, Unicode's White_Space has not); a text, or a stretch
// between added tokens, that is nothing but `<|ENDOFTEXT|>` in another case is that token. Beyond that, letters that are
// newer than an engine's Unicode tables are none to it.
// What convention 1 does beforehand is in paste.ts, for text that a person pastes.

/** The split pattern as it stands in tokenizer.json, in its newer and its older form. */
const SPECIAL_TOKENS_PATTERN = '<\\|startoftext\\|>|<\\|endoftext\\|>|';
const WORD_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
export const SPLIT_PATTERNS: readonly [string, string] = [
  SPECIAL_TOKENS_PATTERN + WORD_PATTERN,
  WORD_PATTERN,
];

/** A token that is found in the text as it stands, before any merge. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** Sought in the normalised text, not in the raw one. */
  readonly normalized: boolean;
}

/** A word still to be encoded, or the id of an added token. */
export type Piece = string | number;

/** Splits text into pieces; `pattern` is one of {@link SPLIT_PATTERNS}. */
export function createWordSplitter(
  pattern: string,
  addedTokens: readonly AddedToken[],
): (text: string) => Piece[] {
  const splitAnyText = createAnyTextSplitter(pattern, addedTokens);
  const classes = asciiClasses(addedTokens);
  return (text) => splitAscii(text, text.toLowerCase(), classes) ?? splitAnyText(text);
}

// --- Any text, with the engine's own Unicode tables ---

// Rust's \s is Unicode's White_Space; ECMAScript's lacks U+0085 and has U+FEFF.
const WHITE_SPACE = /\p{White_Space}+/gu;
// GPT-2's pattern, which the ByteLevel pre-tokenizer applies to each word of the first split.
const BYTE_LEVEL_PATTERN = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

function normalizeText(text: string): string {
  return text.normalize('NFC').replace(WHITE_SPACE, ' ').toLowerCase();
}

function createAnyTextSplitter(
  pattern: string,
  addedTokens: readonly AddedToken[],
): (text: string) => Piece[] {
  const words = new RegExp(pattern.replaceAll('\\s', '\\p{White_Space}'), 'gu');
  const contents = (normalized: boolean) =>
    addedTokens.flatMap(({ content, normalized: n }) =>
      n === normalized ? [normalized ? normalizeText(content) : content] : [],
    );
  const rawTokens = alternatives(contents(false));
  const normalizedTokens = alternatives(contents(true));
  const ids = new Map(
    addedTokens.flatMap(({ content, id, normalized }) => [
      [content, id],
      [normalized ? normalizeText(content) : content, id],
    ]),
  );

  return (text) => {
    const pieces: Piece[] = [];
    for (const raw of splitKeeping(text, rawTokens)) {
      // A raw token, once found, is not normalised.
      const sections = ids.has(raw) ? [raw] : splitKeeping(normalizeText(raw), normalizedTokens);
      for (const section of sections) {
        const id = ids.get(section);
        if (id !== undefined) {
          pieces.push(id);
          continue;
        }
        for (const word of section.match(words) ?? []) {
          for (const piece of word.match(BYTE_LEVEL_PATTERN) ?? []) pieces.push(piece);
        }
      }
    }
    return pieces;
  };
}

/** Matches the longest of the strings, as a group that `split` keeps; null for none. */
function alternatives(strings: readonly string[]): RegExp | null {
  if (strings.length === 0) return null;
  const escaped = [...strings]
    .sort((a, b) => b.length - a.length)
    .map((s) => s.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return new RegExp(`(${escaped.join('|')})`, 'u');
}

function splitKeeping(text: string, separator: RegExp | null): string[] {
  return separator ? text.split(separator) : [text];
}

// --- ASCII, by hand: what nearly every prompt is. NFC changes nothing here, and the second pattern neither. ---

const WHITE = 0;
const LETTER = 1;
const DIGIT = 2;
const OTHER = 3;
/** Not for the fast path: not ASCII, or the first character of an added token. */
const LEAVE = 4;

function asciiClasses(addedTokens: readonly AddedToken[]): Uint8Array {
  const classes = new Uint8Array(128).fill(OTHER);
  classes.fill(WHITE, 0x09, 0x0e);
  classes[0x20] = WHITE;
  classes.fill(DIGIT, 0x30, 0x3a);
  classes.fill(LETTER, 0x41, 0x5b);
  classes.fill(LETTER, 0x61, 0x7b);
  for (const { content } of addedTokens) {
    const code = content.charCodeAt(0);
    // A token that starts with a letter or a space may match in another case or after other white space: no fast path.
    if (code < 128 && classes[code] === OTHER) classes[code] = LEAVE;
    else if (code >= 128 || classes[code] !== LEAVE) return classes.fill(LEAVE);
  }
  return classes;
}

/**
 * The words of an ASCII text; null where the text needs the other path. `lower` is the text in lower case: an argument,
 * because V8 moves a `toLowerCase` in here into the loop, which then takes quadratic time.
 */
function splitAscii(text: string, lower: string, classes: Uint8Array): string[] | null {
  const end = text.length;
  const words: string[] = [];
  let i = 0;
  while (i < end) {
    const code = text.charCodeAt(i);
    const kind = code < 128 ? classes[code] : LEAVE;
    if (kind === LEAVE) return null;
    const start = i++;
    if (kind === WHITE) continue;
    if (kind === OTHER && code === 0x27) i += contractionLength(text, i);
    if (kind !== DIGIT && i === start + 1) {
      while (i < end && text.charCodeAt(i) < 128 && classes[text.charCodeAt(i)] === kind) i++;
    }
    words.push(lower.slice(start, i));
  }
  return words;
}

/** Letters after an apostrophe that form a word with it: 's 't 'm 'd 're 've 'll; 0 where there is none. */
function contractionLength(text: string, at: number): 0 | 1 | 2 {
  // Setting bit 5 lowers an ASCII letter and turns nothing else into one of these.
  const first = text.charCodeAt(at) | 0x20;
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) return 1;
  const second = text.charCodeAt(at + 1) | 0x20;
  if (second === 0x65 && (first === 0x72 || first === 0x76)) return 2;
  if (second === 0x6c && first === 0x6c) return 2;
  return 0;
}

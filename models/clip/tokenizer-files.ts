// Reads the three forms in which CLIP's tokenizer is published, and checks that what they ask for is what the code
// does: a tokenizer.json with another normaliser, pattern or model is refused and not half obeyed.

import * as v from 'valibot';
import { BASE_VOCABULARY, END, END_OF_WORD, START } from './byte-symbols.ts';
import { checked, shown } from './checked.ts';
import { gunzip } from './gunzip.ts';
import type { Merge } from './merges.ts';
import { type AddedToken, SPLIT_PATTERNS } from './split-words.ts';

/** A tokenizer's files: parsed JSON, text, or bytes as they are on disk. */
export type TokenizerFiles =
  | { readonly tokenizerJson: unknown; readonly tokenizerConfig?: unknown }
  | { readonly vocabJson: unknown; readonly mergesTxt: string; readonly tokenizerConfig?: unknown }
  | { readonly bpeGz: Uint8Array<ArrayBuffer> };

/** What all three forms come down to. */
export interface TokenizerDefinition {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly merges: readonly Merge[];
  readonly addedTokens: readonly (AddedToken & { readonly special: boolean })[];
  readonly splitPattern: string;
  readonly bosTokenId: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  /** Stands for a byte that the vocabulary lacks. */
  readonly unknownTokenId: number;
}

/** CLIP has 49,408 tokens and the largest vocabularies in use 262,144; more is a mistake or an attack. */
const MAX_TOKEN_ID = 2 ** 22;
/** CLIP adds two; each becomes a part of one regular expression. */
const MAX_ADDED_TOKENS = 1000;
const MAX_ADDED_LENGTH = 256;
/** OpenAI's file inflates to 3.2 MB. */
const MAX_INFLATED_BYTES = 16 * 2 ** 20;
/** OpenAI's file lists 262,144 merges, and its code reads this many of them: 49,152 − 256 − 2. */
const OPENAI_MERGES = 48_894;

/** Characters of a reason: it repeats a token at most. */
const REASON_LENGTH = 200;

/** Throws one sentence that names the file, what it says and what was expected. */
export async function readTokenizerFiles(files: TokenizerFiles): Promise<TokenizerDefinition> {
  if ('bpeGz' in files) return fromOpenAI(files.bpeGz);
  if ('vocabJson' in files) return fromVocabularyAndMerges(files);
  return fromTokenizerJson(files.tokenizerJson, files.tokenizerConfig);
}

function refuse(file: string, found: string, expected: string): never {
  const [what, instead] = [shown(found, REASON_LENGTH), shown(expected, REASON_LENGTH)];
  throw new Error(`${file} was refused: ${what}, expected ${instead}.`);
}

// --- tokenizer.json, with tokenizer_config.json beside it ---

const False = v.nullish(v.literal(false));
/** Its entries, tens of thousands, are checked as they are read. */
const Vocabulary = v.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  ({ received }) => `Expected an object from tokens to ids but received ${received}`,
);

const TokenizerJson = v.object({
  added_tokens: v.pipe(
    v.array(
      v.object({
        id: v.number(),
        content: v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_ADDED_LENGTH)),
        single_word: False,
        lstrip: False,
        rstrip: False,
        normalized: v.boolean(),
        special: v.boolean(),
      }),
    ),
    v.maxLength(MAX_ADDED_TOKENS),
  ),
  normalizer: v.object({
    type: v.literal('Sequence'),
    normalizers: v.strictTuple([
      v.object({ type: v.literal('NFC') }),
      v.object({
        type: v.literal('Replace'),
        pattern: v.object({ Regex: v.literal('\\s+') }),
        content: v.literal(' '),
      }),
      v.object({ type: v.literal('Lowercase') }),
    ]),
  }),
  pre_tokenizer: v.object({
    type: v.literal('Sequence'),
    pretokenizers: v.strictTuple([
      v.object({
        type: v.literal('Split'),
        pattern: v.object({ Regex: v.picklist(SPLIT_PATTERNS) }),
        behavior: v.literal('Removed'),
        invert: v.literal(true),
      }),
      v.object({
        type: v.literal('ByteLevel'),
        add_prefix_space: v.literal(false),
        use_regex: v.nullish(v.literal(true)),
      }),
    ]),
  }),
  post_processor: v.object({
    type: v.literal('RobertaProcessing'),
    cls: v.strictTuple([v.string(), v.number()]),
    sep: v.strictTuple([v.string(), v.number()]),
  }),
  model: v.object({
    // Hugging Face's oldest files leave the type out.
    type: v.optional(v.literal('BPE')),
    dropout: v.nullish(v.literal(0)),
    unk_token: v.nullish(v.string()),
    continuing_subword_prefix: v.nullish(v.literal('')),
    end_of_word_suffix: v.literal(END_OF_WORD),
    fuse_unk: False,
    byte_fallback: False,
    ignore_merges: False,
    vocab: Vocabulary,
    merges: v.custom<readonly unknown[]>(
      Array.isArray,
      ({ received }) => `Expected an array of merges but received ${received}`,
    ),
  }),
});

/** A special token as tokenizer_config.json gives it: by its text, or as an object around it. */
const SpecialToken = v.nullish(
  v.union([
    v.string(),
    v.pipe(
      v.object({ content: v.string() }),
      v.transform(({ content }) => content),
    ),
  ]),
);
const TokenizerConfig = v.object({
  bos_token: SpecialToken,
  eos_token: SpecialToken,
  pad_token: SpecialToken,
});
const CONFIG_FILE = 'tokenizer_config.json';

const readTokenizerConfig = (json: unknown) =>
  json === undefined ? {} : checked(TokenizerConfig, json, CONFIG_FILE);

function fromTokenizerJson(json: unknown, configJson: unknown): TokenizerDefinition {
  const file = 'tokenizer.json';
  const { added_tokens, pre_tokenizer, post_processor, model } = checked(TokenizerJson, json, file);
  const vocabulary = readVocabulary(model.vocab, file, 'model.vocab');

  const added = new Map<string, number>();
  const owners = new Map<number, string>();
  for (const [token, id] of vocabulary) owners.set(id, token);
  for (const { content, id } of added_tokens) {
    const known = vocabulary.get(content) ?? checkedId(content, id, file);
    if (id !== known)
      refuse(file, `added_tokens gives ${content} the id ${id}`, `${known} as in model.vocab`);
    const owner = owners.get(id) ?? content;
    if (owner !== content)
      refuse(file, `added_tokens gives ${content} the id ${id} of ${owner}`, 'an id of its own');
    owners.set(id, content);
    added.set(content, id);
  }
  // An added token may stand in added_tokens alone.
  const find = (token: string) => added.get(token) ?? vocabulary.get(token);
  const idOf = (token: string, where: string, from = file) =>
    find(token) ?? refuse(from, `${where} is ${JSON.stringify(token)}`, `a token of ${file}`);
  const endToken = (part: 'cls' | 'sep') => {
    const [token, id] = post_processor[part];
    const known = idOf(token, `post_processor.${part}`);
    if (id !== known) refuse(file, `post_processor.${part} gives ${token} the id ${id}`, `${known}`);
    return known;
  };
  const bosTokenId = endToken('cls');
  const eosTokenId = endToken('sep');

  const config = readTokenizerConfig(configJson);
  for (const [key, token, [expected]] of [
    ['bos_token', config.bos_token, post_processor.cls],
    ['eos_token', config.eos_token, post_processor.sep],
  ] as const) {
    if (typeof token === 'string' && token !== expected) {
      refuse(CONFIG_FILE, `${key} is ${JSON.stringify(token)}`, `${expected} as in ${file}`);
    }
  }

  return {
    vocabulary,
    merges: readMerges(model.merges, vocabulary, file, 'model.merges'),
    addedTokens: added_tokens,
    splitPattern: pre_tokenizer.pretokenizers[0].pattern.Regex,
    bosTokenId,
    eosTokenId,
    padTokenId:
      typeof config.pad_token === 'string' ? idOf(config.pad_token, 'pad_token', CONFIG_FILE) : eosTokenId,
    unknownTokenId: readUnknown(model.unk_token, find, file),
  };
}

/** Without a token for unknown bytes, the vocabulary has to have all of them. */
function readUnknown(
  token: string | null | undefined,
  find: (token: string) => number | undefined,
  file: string,
): number {
  const id = typeof token === 'string' ? find(token) : undefined;
  if (id !== undefined) return id;
  const lacking = BASE_VOCABULARY.find((symbol) => find(symbol) === undefined);
  if (lacking !== undefined) {
    refuse(file, `model.vocab lacks ${JSON.stringify(lacking)}`, 'all 512 byte symbols or an unk_token');
  }
  return -1;
}

// --- vocab.json and merges.txt, OpenAI's merges ---

function fromVocabularyAndMerges({
  vocabJson,
  mergesTxt,
  tokenizerConfig,
}: Extract<TokenizerFiles, { vocabJson: unknown }>): TokenizerDefinition {
  const file = 'vocab.json';
  const vocabulary = readVocabulary(checked(Vocabulary, vocabJson, file), file, 'it');
  const mergesFile = 'merges.txt';
  const merges = readMerges(mergeLines(mergesTxt), vocabulary, mergesFile, 'merge');
  const { pad_token: pad } = readTokenizerConfig(tokenizerConfig);
  return withDefaults(vocabulary, merges, file, pad ?? END);
}

async function fromOpenAI(bpeGz: Uint8Array<ArrayBuffer>): Promise<TokenizerDefinition> {
  const file = 'bpe_simple_vocab_16e6.txt.gz';
  const text = new TextDecoder().decode(await gunzip(bpeGz, MAX_INFLATED_BYTES, file));
  const lines = mergeLines(text).slice(0, OPENAI_MERGES);
  const tokens = [...BASE_VOCABULARY, ...lines.map((line) => line.replace(' ', '')), START, END];
  const vocabulary = new Map(tokens.map((token, id) => [token, id]));
  if (vocabulary.size < tokens.length) refuse(file, 'two merges make the same token', 'a token from each');
  return withDefaults(vocabulary, readMerges(lines, vocabulary, file, 'merge'), file);
}

/** A merge a line, after a line that gives the version (OpenAI's has more in that line). */
function mergeLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines[0].includes('#version:')) lines.shift();
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** What CLIP's tokenizer.json says beyond vocabulary and merges. */
function withDefaults(
  vocabulary: ReadonlyMap<string, number>,
  merges: readonly Merge[],
  file: string,
  pad = END,
): TokenizerDefinition {
  const idOf = (token: string) => vocabulary.get(token) ?? refuse(file, `there is no ${token}`, 'one');
  const bosTokenId = idOf(START);
  const eosTokenId = idOf(END);
  return {
    vocabulary,
    merges,
    addedTokens: [
      { content: START, id: bosTokenId, normalized: true, special: true },
      { content: END, id: eosTokenId, normalized: false, special: true },
    ],
    splitPattern: SPLIT_PATTERNS[0],
    bosTokenId,
    eosTokenId,
    padTokenId: idOf(pad),
    unknownTokenId: eosTokenId,
  };
}

// --- Vocabulary and merges: tens of thousands of entries, each checked as it is read ---

function readVocabulary(
  vocab: Readonly<Record<string, unknown>>,
  file: string,
  where: string,
): ReadonlyMap<string, number> {
  const vocabulary = new Map<string, number>();
  const taken = new Set<number>();
  for (const token of Object.keys(vocab)) {
    const id = checkedId(token, vocab[token], file);
    if (taken.has(id)) refuse(file, `${where} gives two tokens the id ${id}`, 'one id a token');
    taken.add(id);
    vocabulary.set(token, id);
  }
  return vocabulary;
}

function checkedId(token: string, id: unknown, file: string): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= MAX_TOKEN_ID) return id;
  return refuse(
    file,
    `the id of ${JSON.stringify(token)} is ${JSON.stringify(id)}`,
    `a whole number from 0 to ${MAX_TOKEN_ID}`,
  );
}

function readMerges(
  entries: readonly unknown[],
  vocabulary: ReadonlyMap<string, number>,
  file: string,
  where: string,
): Merge[] {
  const idOf = (token: string, i: number) =>
    vocabulary.get(token) ??
    refuse(file, `${where} ${i} needs ${JSON.stringify(token)}`, 'a token of the vocabulary');
  return entries.map((entry, i) => {
    const [left, right, ...rest]: unknown[] =
      typeof entry === 'string' ? entry.split(' ') : Array.isArray(entry) ? entry : [];
    if (typeof left !== 'string' || typeof right !== 'string' || rest.length > 0) {
      return refuse(file, `${where} ${i} is ${JSON.stringify(entry)}`, 'two tokens');
    }
    return [idOf(left, i), idOf(right, i), idOf(left + right, i)];
  });
}

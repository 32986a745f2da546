// CLIP's tokenizer: text → words (split-words.ts, which also says whose convention is followed) → token ids (bpe.ts),
// between a start and an end token. Works on whatever vocabulary the folder brings. A prompt that is cut keeps its end
// token, where CLIP reads the text's vector, as OpenAI's and Hugging Face's Python do (transformers.js 4.3 loses it).

import { createWordEncoder } from './bpe.ts';
import { END_OF_WORD, SYMBOL_BYTES } from './byte-symbols.ts';
import { createWordSplitter } from './split-words.ts';
import { readTokenizerFiles, type TokenizerDefinition, type TokenizerFiles } from './tokenizer-files.ts';
import type { Encoding, EncodingBatch, Tokenizer } from './types.ts';

/**
 * A tokenizer from a folder's files: tokenizer.json (with tokenizer_config.json, which may name the padding token), or
 * vocab.json and merges.txt, or OpenAI's gzipped merges. Prompts are cut at `contextLength` tokens, start and end
 * included. Rejects with one sentence where a file is damaged, contradicts itself or describes no CLIP tokenizer.
 */
export async function parseTokenizer(
  files: TokenizerFiles,
  { contextLength }: { readonly contextLength: number },
): Promise<Tokenizer> {
  if (!Number.isInteger(contextLength) || contextLength < 2) {
    throw new RangeError(
      `Cannot cut prompts at ${contextLength} tokens: the start and the end token need 2 at least.`,
    );
  }
  return createTokenizer(await readTokenizerFiles(files), contextLength);
}

function createTokenizer(definition: TokenizerDefinition, contextLength: number): Tokenizer {
  const { vocabulary, merges, addedTokens, bosTokenId, eosTokenId, padTokenId } = definition;
  const split = createWordSplitter(definition.splitPattern, addedTokens);
  const encodeWord = createWordEncoder(vocabulary, merges, definition.unknownTokenId);

  function encode(text: string): Encoding {
    const ids = [bosTokenId];
    for (const piece of split(text)) {
      if (ids.length >= contextLength) break;
      if (typeof piece === 'number') ids.push(piece);
      else for (const id of encodeWord(piece)) ids.push(id);
    }
    const truncated = ids.length >= contextLength;
    if (truncated) ids.length = contextLength - 1;
    ids.push(eosTokenId);
    return { ids, truncated };
  }

  function encodeBatch(texts: readonly string[]): EncodingBatch {
    const encodings = texts.map(encode);
    const sequence = encodings.reduce((longest, { ids }) => Math.max(longest, ids.length), 0);
    const input_ids = new BigInt64Array(texts.length * sequence).fill(BigInt(padTokenId));
    const attention_mask = new BigInt64Array(texts.length * sequence);
    // The low halves of the 64-bit integers (every engine is little-endian): no BigInt is made for each token.
    const idHalves = new Int32Array(input_ids.buffer);
    const maskHalves = new Int32Array(attention_mask.buffer);
    for (const [row, { ids }] of encodings.entries()) {
      let half = 2 * row * sequence;
      for (const id of ids) {
        idHalves[half] = id;
        maskHalves[half] = 1;
        half += 2;
      }
    }
    return {
      input_ids,
      attention_mask,
      dims: [texts.length, sequence],
      truncated: encodings.map(({ truncated }) => truncated),
    };
  }

  return {
    vocabSize: 1 + Math.max(lastId(vocabulary.values()), lastId(addedTokens.map(({ id }) => id))),
    contextLength,
    bosTokenId,
    eosTokenId,
    padTokenId,
    encode,
    encodeBatch,
    decode: createDecoder(definition),
  };
}

function lastId(ids: Iterable<number>): number {
  let last = -1;
  for (const id of ids) last = Math.max(last, id);
  return last;
}

/** Ids to text, special tokens left out; ids that are no tokens are a RangeError. */
function createDecoder({ vocabulary, addedTokens }: TokenizerDefinition): (ids: Iterable<number>) => string {
  const added = new Map(addedTokens.map((token) => [token.id, token]));
  const utf8 = new TextEncoder();
  let tokens: Map<number, string> | undefined;

  return (ids) => {
    tokens ??= new Map(Array.from(vocabulary, ([token, id]) => [id, token]));
    const bytes: number[] = [];
    for (const id of ids) {
      const whole = added.get(id);
      if (whole) {
        if (!whole.special) bytes.push(...utf8.encode(whole.content));
        continue;
      }
      const token = tokens.get(id);
      if (token === undefined) throw new RangeError(`Cannot decode ${id}: the vocabulary has no such token.`);
      const endsWord = token.endsWith(END_OF_WORD);
      for (const symbol of endsWord ? token.slice(0, -END_OF_WORD.length) : token) {
        const byte = SYMBOL_BYTES.get(symbol);
        if (byte === undefined) {
          throw new RangeError(
            `Cannot decode token ${id}, ${JSON.stringify(token)}: it is not made of bytes.`,
          );
        }
        bytes.push(byte);
      }
      if (endsWord) bytes.push(0x20);
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes)).trim();
  };
}

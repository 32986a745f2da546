// fixtures/huggingface-tokenizer.json holds what Hugging Face's trainer learns from the same captions:
// pip install tokenizers==0.23.2 && python3 models/clip/fixtures/make-tokenizer.py

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BASE_VOCABULARY } from './byte-symbols.ts';
import reference from './fixtures/huggingface-tokenizer.json' with { type: 'json' };
import { parseTokenizer } from './tokenizer.ts';
import { learnVocabulary, tokenizerConfig } from './vocabulary.ts';

describe('learnVocabulary', () => {
  const learned = learnVocabulary(reference.captions, { vocabSize: reference.vocabSize });

  test("merges are those of Hugging Face's trainer, in its order", () => {
    expect(learned.model.merges).toEqual(reference.merges);
  });

  test('ids: 512 byte symbols, a token for each merge, start and end of text', () => {
    const tokens = [
      ...BASE_VOCABULARY,
      ...reference.merges.map(([left, right]) => left + right),
      '<|startoftext|>',
      '<|endoftext|>',
    ];
    expect(learned.model.vocab).toEqual(Object.fromEntries(tokens.map((token, id) => [token, id])));
    expect(tokens[0]).toBe('!');
    expect(tokens[256]).toBe('!</w>');
    expect(learned.added_tokens.map(({ id }) => tokens[id])).toEqual(['<|startoftext|>', '<|endoftext|>']);
  });

  test('stops at the size that is asked for', () => {
    const { model } = learnVocabulary(reference.captions, { vocabSize: 600 });
    expect(Object.keys(model.vocab)).toHaveLength(600);
    expect(model.merges).toEqual(reference.merges.slice(0, 600 - 514));
  });

  test('stops early where no pair occurs twice', () => {
    expect(learnVocabulary(['cat dog', 'bird'], { vocabSize: 900 }).model.merges).toEqual([]);
    expect(learnVocabulary(['cat', 'Cat!'], { vocabSize: 900 }).model.merges).toEqual([
      ['a', 't</w>'],
      ['c', 'at</w>'],
    ]);
  });

  test('of equally frequent pairs the one with the lower ids comes first, whatever the order of the captions', () => {
    const inOrder = learnVocabulary(['zy zy', 'ba ba', 'bc bc'], { vocabSize: 900 });
    expect(inOrder.model.merges).toEqual([
      ['b', 'a</w>'],
      ['b', 'c</w>'],
      ['z', 'y</w>'],
    ]);
    const captions = [...reference.captions].reverse();
    expect(learnVocabulary(captions, { vocabSize: reference.vocabSize })).toEqual(learned);
  });

  test('equals counting every pair anew before each merge', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 9 }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(words, (captions) => {
        const { model } = learnVocabulary(captions, { vocabSize: 540 });
        expect(model.merges).toEqual(mergesByRecounting(captions, model.merges.length));
      }),
    );
  });

  test.each([513, 600.5, Number.NaN])('a size of %d is refused', (vocabSize) => {
    expect(() => learnVocabulary([], { vocabSize })).toThrow(/Cannot learn a vocabulary of .* at least 514/);
  });

  test("Hugging Face's library reads the file, and gives our ids and text", async () => {
    const json: unknown = JSON.parse(JSON.stringify(learned));
    const config = tokenizerConfig(32);
    const theirs = new HuggingFaceTokenizer(Object(json), config);
    const ours = await parseTokenizer(
      { tokenizerJson: json, tokenizerConfig: config },
      { contextLength: 77 },
    );
    for (const caption of reference.captions) {
      const { ids } = ours.encode(caption);
      expect(ids).toEqual(theirs.encode(caption).ids);
      expect(ours.decode(ids)).toBe(theirs.decode(ids, { skip_special_tokens: true }));
    }
    expect(ours.vocabSize).toBe(Object.keys(learned.model.vocab).length);
    expect(ours.padTokenId).toBe(ours.eosTokenId);
  });
});

/** The definition, without any cleverness, for lower-case words. */
function mergesByRecounting(captions: readonly string[], count: number): string[][] {
  const words = captions.map((word) => [...word].map((c, i) => (i === word.length - 1 ? `${c}</w>` : c)));
  const ids = new Map(BASE_VOCABULARY.map((token, id) => [token, id]));
  const idOf = (token: string) => ids.get(token) ?? Number.NaN;
  const merges: string[][] = [];
  while (merges.length < count) {
    const counts = new Map<string, number>();
    for (const word of words) {
      for (let i = 1; i < word.length; i++) {
        const pair = `${word[i - 1]} ${word[i]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const [[best]] = [...counts].sort(([a, timesA], [b, timesB]) => {
      const [leftA, rightA] = a.split(' ').map(idOf);
      const [leftB, rightB] = b.split(' ').map(idOf);
      return timesB - timesA || leftA - leftB || rightA - rightB;
    });
    const [left, right] = best.split(' ');
    merges.push([left, right]);
    if (!ids.has(left + right)) ids.set(left + right, ids.size);
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        if (word[i] === left && word[i + 1] === right) word.splice(i, 2, left + right);
      }
    }
  }
  return merges;
}

// fixtures/huggingface-tokenizer.json holds literal ids from Hugging Face's Rust library:
// pip install tokenizers==0.23.2 && python3 models/clip/fixtures/make-tokenizer.py

import { describe, expect, test } from 'vitest';
import reference from './fixtures/huggingface-tokenizer.json' with { type: 'json' };
import { clipFiles, hasClipFolder, learnedFiles } from './fixtures/tokenizers.ts';
import { parseTokenizer } from './tokenizer.ts';

const tokenizer = await parseTokenizer(learnedFiles, { contextLength: 77 });
const unlimited = await parseTokenizer(learnedFiles, { contextLength: 1000 });
const { bosTokenId: start, eosTokenId: end } = tokenizer;

describe('encode', () => {
  test.each(reference.prompts)('$text', ({ text, ids }) => {
    expect(unlimited.encode(text)).toEqual({ ids, truncated: false });
  });

  describe.skipIf(!hasClipFolder)("OpenAI's vocabulary (skipped without ../shared/clip-tokenizer)", () => {
    test.each([
      ['a photo of a cat', [49406, 320, 1125, 539, 320, 2368, 49407]],
      ['a diagram', [49406, 320, 22697, 49407]],
      ['', [49406, 49407]],
    ])('%s', async (text, ids) => {
      const clip = await parseTokenizer(clipFiles(), { contextLength: 77 });
      expect(clip.encode(text).ids).toEqual(ids);
    });
  });

  test('a prompt as long as the context is whole, one token more loses its tail and says so', () => {
    const cut = (text: string) => tokenizer.encode(text);
    const digits = Array.from({ length: 75 }, (_, i) => i % 10).join('');
    const whole = cut(digits);
    expect(whole.truncated).toBe(false);
    expect(whole.ids).toHaveLength(77);
    const longer = cut(`${digits}5`);
    expect(longer).toEqual({ ids: whole.ids, truncated: true });
    // The word that crosses the edge is cut inside.
    const inside = cut(`${digits.slice(1)} qxz`);
    expect(inside.truncated).toBe(true);
    expect(tokenizer.decode(inside.ids)).toMatch(/ 4 q$/);
    expect(cut(`${digits} <|endoftext|>`)).toEqual({ ids: whole.ids, truncated: true });
  });

  test('the least context holds start and end', async () => {
    const least = await parseTokenizer(learnedFiles, { contextLength: 2 });
    expect(least.encode('a cat')).toEqual({ ids: [start, end], truncated: true });
    expect(least.encode(' ')).toEqual({ ids: [start, end], truncated: false });
    await expect(parseTokenizer(learnedFiles, { contextLength: 1 })).rejects.toThrow(
      'Cannot cut prompts at 1 tokens',
    );
  });
});

describe('encodeBatch', () => {
  test('pads to the longest prompt', async () => {
    const texts = ['a cat', 'a photo of a small cat', ''];
    const rows = texts.map((text) => tokenizer.encode(text).ids);
    const sequence = rows[1].length;
    const files = { ...learnedFiles, tokenizerConfig: { pad_token: { content: '!' } } };
    const padding = await parseTokenizer(files, { contextLength: 77 });
    for (const [one, pad] of [
      [tokenizer, end],
      [padding, 0],
    ] as const) {
      const batch = one.encodeBatch(texts);
      expect(batch.dims).toEqual([3, sequence]);
      expect(Array.from(batch.input_ids, Number)).toEqual(
        rows.flatMap((ids) => [...ids, ...Array<number>(sequence - ids.length).fill(pad)]),
      );
      expect(Array.from(batch.attention_mask, Number)).toEqual(
        rows.flatMap((ids) => Array.from({ length: sequence }, (_, i) => (i < ids.length ? 1 : 0))),
      );
      expect(batch.truncated).toEqual([false, false, false]);
    }
  });

  test('says which prompts were cut', () => {
    const batch = tokenizer.encodeBatch(['a cat', '7'.repeat(100)]);
    expect(batch.dims).toEqual([2, 77]);
    expect(batch.truncated).toEqual([false, true]);
  });

  test('no prompts', () => {
    expect(tokenizer.encodeBatch([])).toMatchObject({ dims: [0, 0], truncated: [] });
  });
});

describe('decode', () => {
  test('gives the normalised words, a space between them, without special tokens', () => {
    const back = (text: string) => unlimited.decode(unlimited.encode(text).ids);
    expect(back('A  photo of a CAFÉ, 25 猫!')).toBe('a photo of a café , 2 5 猫 !');
    expect(back('x <|endoftext|> y')).toBe('x y');
    expect(back('\ufeff猫')).toBe('猫');
    expect(back('')).toBe('');
  });

  test('bytes that are no UTF-8 become U+FFFD', () => {
    const [, first] = unlimited.encode('猫').ids;
    expect(unlimited.decode([first])).toBe('\ufffd');
  });

  test('an id outside the vocabulary is refused', () => {
    expect(() => tokenizer.decode([tokenizer.vocabSize])).toThrow(
      new RangeError(`Cannot decode ${tokenizer.vocabSize}: the vocabulary has no such token.`),
    );
  });
});

// The same ids as @huggingface/tokenizers, prompt by prompt: with a vocabulary learned here, and with CLIP's own where
// ../shared has it.

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { describe, expect, test, vi } from 'vitest';
import {
  clipFiles,
  flickrCaptions,
  hasClipFolder,
  hasFlickrCaptions,
  imageNetPrompts,
  type JsonFiles,
  learnedFiles,
  longTexts,
  randomTexts,
} from './fixtures/tokenizers.ts';
import { parseTokenizer } from './tokenizer.ts';

// The other library takes its time over 140,000 texts, more so on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

/** Longer than any text here has tokens, so that nothing is cut. */
const UNCUT = 1_000_000;

async function comparison(files: JsonFiles) {
  const ours = await parseTokenizer(files, { contextLength: UNCUT });
  const theirs = new HuggingFaceTokenizer(files.tokenizerJson, files.tokenizerConfig);
  const same = (a: readonly number[], b: readonly number[]) =>
    a.length === b.length && a.every((id, i) => id === b[i]);
  /** The texts whose ids differ, as JSON so that lone surrogates can be read. */
  return (texts: readonly string[]) =>
    texts
      .filter((text) => !same(ours.encode(text).ids, theirs.encode(text).ids))
      .map((text) => JSON.stringify(text.slice(0, 200)));
}

/** What differs from Hugging Face's Rust library, and not from the one that transformers.js uses. */
const CORNERS = [
  ['Σ ends a word', 'ΑΣ ΣΑΣ Σ'],
  ['U+FEFF inside and between words', '!\ufeff! \ufeff\ufeff\ufeff! a\ufeffb'],
  ['nothing but an added token in another case', '<|EndOfText|>'],
  ['so too between added tokens', '<|startoftext|><|ENDOFTEXT|><|endoftext|>'],
] as const;

const differentLearned = await comparison(learnedFiles);
const differentClip = hasClipFolder ? await comparison(clipFiles()) : () => ['nothing was compared'];

describe('with a learned vocabulary', () => {
  test('random strings over all of Unicode', () => {
    expect(differentLearned(randomTexts(5_000, 1))).toEqual([]);
  });

  test('10,000 characters in a row', () => {
    expect(differentLearned(longTexts(10_000))).toEqual([]);
  });

  test.each(CORNERS)('%s', (_, text) => {
    expect(differentLearned([text])).toEqual([]);
  });

  test('the comparison sees a difference', async () => {
    const { tokenizerJson } = learnedFiles;
    const other = JSON.parse(JSON.stringify(tokenizerJson));
    other.model.merges.length = 10;
    const fewer = await parseTokenizer({ tokenizerJson: other }, { contextLength: UNCUT });
    const theirs = new HuggingFaceTokenizer(tokenizerJson, {});
    expect(fewer.encode('a photo of a cat').ids).not.toEqual(theirs.encode('a photo of a cat').ids);
  });

  test('added tokens of other folders: unnormalised, ordinary, overlapping', async () => {
    const files = JSON.parse(JSON.stringify(learnedFiles));
    const base = { single_word: false, lstrip: false, rstrip: false };
    const { length } = Object.keys(files.tokenizerJson.model.vocab);
    files.tokenizerJson.added_tokens.push(
      { ...base, id: 0, content: '!', normalized: false, special: true },
      { ...base, id: length, content: '<Cat>', normalized: true, special: false },
      { ...base, id: length + 1, content: '<cat><cat>', normalized: true, special: false },
    );
    const differentHere = await comparison(files);
    expect(
      differentHere([
        'a cat!!',
        'a <cat> b',
        '<CAT><cat><Cat>!',
        'x<cat>!<|endoftext|>',
        '! ',
        ...randomTexts(500, 2),
      ]),
    ).toEqual([]);
    const letters = JSON.parse(JSON.stringify(learnedFiles));
    letters.tokenizerJson.added_tokens.push({
      ...base,
      id: length,
      content: 'Cat',
      normalized: true,
      special: false,
    });
    const differentThere = await comparison(letters);
    expect(differentThere(['a cat', 'concatenate', 'CATS', 'dog'])).toEqual([]);
  });
});

describe.skipIf(!hasClipFolder)("with CLIP's vocabulary (skipped without ../shared/clip-tokenizer)", () => {
  test('80 templates × 1,000 classes of ImageNet', () => {
    const prompts = imageNetPrompts();
    expect(prompts).toHaveLength(80_000);
    expect(differentClip(prompts)).toEqual([]);
  });

  test('20,000 random strings over all of Unicode', () => {
    expect(differentClip(randomTexts(20_000, 3))).toEqual([]);
  });

  test('the empty string, and 100,000 characters in a row', () => {
    expect(differentClip(['', ...longTexts(100_000).slice(0, 6)])).toEqual([]);
  });

  test.each(CORNERS)('%s', (_, text) => {
    expect(differentClip([text])).toEqual([]);
  });

  test.skipIf(!hasFlickrCaptions)("Flickr8k's captions (skipped without ../shared/data)", async () => {
    const captions = await flickrCaptions();
    expect(captions.length).toBeGreaterThan(40_000);
    expect(differentClip(captions)).toEqual([]);
  });
});

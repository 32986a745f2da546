import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { describe, expect, test } from 'vitest';
import {
  CLIP_FOLDER,
  clipFiles,
  hasClipFolder,
  imageNetPrompts,
  randomTexts,
  readJson,
} from './fixtures/tokenizers.ts';
import { parseTokenizer } from './tokenizer.ts';
import { readTokenizerFiles } from './tokenizer-files.ts';
import { learnVocabulary } from './vocabulary.ts';

const small = learnVocabulary(['a cat', 'a cat', 'a hat'], { vocabSize: 600 });
const vocabJson = small.model.vocab;
const mergesTxt = `#version: 0.2\n${small.model.merges.map((pair) => pair.join(' ')).join('\n')}\n`;
const gz = (text: string) => new Uint8Array(gzipSync(text));

describe('the three forms', () => {
  test('tell the same', async () => {
    const fromJson = await readTokenizerFiles({ tokenizerJson: JSON.parse(JSON.stringify(small)) });
    const fromVocabulary = await readTokenizerFiles({ vocabJson, mergesTxt });
    const fromGz = await readTokenizerFiles({ bpeGz: gz(`"bpe.txt${mergesTxt}`) });
    expect(fromVocabulary).toEqual(fromGz);
    expect({ ...fromJson, addedTokens: null }).toEqual({ ...fromGz, addedTokens: null });
    expect(fromJson.addedTokens).toMatchObject(fromGz.addedTokens);
  });

  test('merges may be strings, line ends may be of Windows', async () => {
    const json = JSON.parse(JSON.stringify(small));
    json.model.merges = small.model.merges.map((pair) => pair.join(' '));
    const expected = await readTokenizerFiles({ tokenizerJson: small });
    expect(await readTokenizerFiles({ tokenizerJson: json })).toEqual(expected);
    const windows = await readTokenizerFiles({ vocabJson, mergesTxt: mergesTxt.replaceAll('\n', '\r\n') });
    expect(windows.merges).toEqual(expected.merges);
  });

  test.skipIf(!hasClipFolder)(
    "CLIP's own files give the same ids (skipped without ../shared/clip-tokenizer)",
    async () => {
      const context = { contextLength: 77 };
      const [json, vocabulary, openai] = await Promise.all([
        parseTokenizer(clipFiles(), context),
        parseTokenizer(
          {
            vocabJson: readJson(`${CLIP_FOLDER}/vocab.json`),
            mergesTxt: readFileSync(`${CLIP_FOLDER}/merges.txt`, 'utf8'),
          },
          context,
        ),
        parseTokenizer(
          { bpeGz: new Uint8Array(readFileSync(`${CLIP_FOLDER}/bpe_simple_vocab_16e6.txt.gz`)) },
          context,
        ),
      ]);
      expect(openai).toMatchObject({
        vocabSize: 49408,
        bosTokenId: 49406,
        eosTokenId: 49407,
        padTokenId: 49407,
      });
      const texts = [...imageNetPrompts().slice(0, 2000), ...randomTexts(1000, 4)];
      const expected = json.encodeBatch(texts);
      expect(vocabulary.encodeBatch(texts)).toEqual(expected);
      expect(openai.encodeBatch(texts)).toEqual(expected);
    },
  );

  test('the older split pattern, without special tokens, is obeyed', async () => {
    const older = JSON.parse(JSON.stringify(small));
    const [split] = older.pre_tokenizer.pretokenizers;
    split.pattern.Regex = split.pattern.Regex.replace(/^<.*?'s/, "'s");
    delete older.pre_tokenizer.pretokenizers[1].use_regex;
    const ids = await Promise.all(
      [small, older].map(async (tokenizerJson) => {
        const text = 'x <|ENDOFTEXT|>! y';
        const tokenizer = await parseTokenizer({ tokenizerJson }, { contextLength: 77 });
        expect(tokenizer.encode(text).ids).toEqual(
          new HuggingFaceTokenizer(tokenizerJson, {}).encode(text).ids,
        );
        return tokenizer.encode(text).ids;
      }),
    );
    // `|>` and `!` are two words, or one.
    expect(ids[0]).not.toEqual(ids[1]);
  });

  test('bytes that the vocabulary lacks become the unknown token', async () => {
    const json = JSON.parse(JSON.stringify(small));
    delete json.model.vocab['z</w>'];
    const tokenizer = await parseTokenizer({ tokenizerJson: json }, { contextLength: 77 });
    const unknown = tokenizer.eosTokenId;
    expect(tokenizer.encode('zz').ids.slice(1, -1)).toEqual([json.model.vocab.z, unknown]);
  });
});

describe('a damaged or foreign file is refused with the file, what it says and what was expected', () => {
  type Spoil = (json: ReturnType<typeof JSON.parse>) => void;
  test.each<[string, Spoil]>([
    [
      'tokenizer.json was refused: model: Invalid key: Expected "model" but received undefined.',
      (json) => delete json.model,
    ],
    [
      'tokenizer.json was refused: model.type: Invalid type: Expected "BPE" but received "WordPiece".',
      (json) => (json.model.type = 'WordPiece'),
    ],
    [
      'tokenizer.json was refused: model.end_of_word_suffix: Invalid type: Expected "</w>" but received "".',
      (json) => (json.model.end_of_word_suffix = ''),
    ],
    [
      'tokenizer.json was refused: model.ignore_merges: Invalid type: Expected false but received true.',
      (json) => (json.model.ignore_merges = true),
    ],
    [
      'tokenizer.json was refused: model.vocab: Expected an object from tokens to ids but received Array.',
      (json) => (json.model.vocab = []),
    ],
    [
      'tokenizer.json was refused: model.merges: Expected an array of merges but received "a b".',
      (json) => (json.model.merges = 'a b'),
    ],
    [
      'tokenizer.json was refused: normalizer: Invalid type: Expected Object but received null.',
      (json) => (json.normalizer = null),
    ],
    [
      'tokenizer.json was refused: normalizer.normalizers.0.type: Invalid type: Expected "NFC" but received "NFKC".',
      (json) => (json.normalizer.normalizers[0].type = 'NFKC'),
    ],
    [
      'tokenizer.json was refused: post_processor.type: Invalid type: Expected "RobertaProcessing" but received "BertProcessing".',
      (json) => (json.post_processor.type = 'BertProcessing'),
    ],
    [
      'tokenizer.json was refused: the id of "!" is -1, expected a whole number from 0 to 4194304.',
      (json) => (json.model.vocab['!'] = -1),
    ],
    [
      'tokenizer.json was refused: the id of "!" is "0", expected a whole number from 0 to 4194304.',
      (json) => (json.model.vocab['!'] = '0'),
    ],
    [
      'tokenizer.json was refused: model.vocab gives two tokens the id 1, expected one id a token.',
      (json) => (json.model.vocab['!'] = 1),
    ],
    [
      'tokenizer.json was refused: model.merges 0 is ["a"], expected two tokens.',
      (json) => (json.model.merges[0] = ['a']),
    ],
    [
      'tokenizer.json was refused: model.merges 0 is 7, expected two tokens.',
      (json) => (json.model.merges[0] = 7),
    ],
    [
      'tokenizer.json was refused: model.merges 0 needs "dog", expected a token of the vocabulary.',
      (json) => (json.model.merges[0] = 'dog e'),
    ],
    [
      'tokenizer.json was refused: model.merges 0 needs "zz", expected a token of the vocabulary.',
      (json) => (json.model.merges[0] = 'z z'),
    ],
    [
      'tokenizer.json was refused: added_tokens gives <|endoftext|> the id 3, expected 515 as in model.vocab.',
      (json) => (json.added_tokens[1].id = 3),
    ],
    [
      'tokenizer.json was refused: added_tokens gives <pad> the id 0 of !, expected an id of its own.',
      (json) => json.added_tokens.push({ ...json.added_tokens[1], id: 0, content: '<pad>' }),
    ],
    [
      'tokenizer.json was refused: added_tokens.0.lstrip: Invalid type: Expected false but received true.',
      (json) => (json.added_tokens[0].lstrip = true),
    ],
    [
      'tokenizer.json was refused: post_processor.sep gives <|endoftext|> the id 9, expected 515.',
      (json) => (json.post_processor.sep[1] = 9),
    ],
    [
      'tokenizer.json was refused: post_processor.cls is "[CLS]", expected a token of tokenizer.json.',
      (json) => (json.post_processor.cls[0] = '[CLS]'),
    ],
    [
      'tokenizer.json was refused: model.vocab lacks "z", expected all 512 byte symbols or an unk_token.',
      (json) => {
        json.model.unk_token = null;
        delete json.model.vocab.z;
      },
    ],
  ])('%s', async (message, spoil) => {
    const json = JSON.parse(JSON.stringify(small));
    spoil(json);
    await expect(readTokenizerFiles({ tokenizerJson: json })).rejects.toThrow(new Error(message));
  });

  test('another split pattern', async () => {
    const json = JSON.parse(JSON.stringify(small));
    json.pre_tokenizer.pretokenizers[0].pattern.Regex = '\\w+';
    await expect(readTokenizerFiles({ tokenizerJson: json })).rejects.toThrow(
      /^tokenizer\.json was refused: pre_tokenizer\.pretokenizers\.0\.pattern\.Regex: .* but received "\\w\+"\.$/,
    );
  });

  test('no object at all', async () => {
    await expect(readTokenizerFiles({ tokenizerJson: 'x' })).rejects.toThrow(
      'tokenizer.json was refused: Invalid type: Expected Object but received "x".',
    );
    await expect(readTokenizerFiles({ vocabJson: null, mergesTxt })).rejects.toThrow(
      'vocab.json was refused: Expected an object from tokens to ids but received null.',
    );
  });

  test('tokenizer_config.json that names other tokens', async () => {
    const read = (tokenizerConfig: unknown) => readTokenizerFiles({ tokenizerJson: small, tokenizerConfig });
    await expect(read({ pad_token: '[PAD]' })).rejects.toThrow(
      'tokenizer_config.json was refused: pad_token is "[PAD]", expected a token of tokenizer.json.',
    );
    await expect(read({ eos_token: { content: '</s>' } })).rejects.toThrow(
      'tokenizer_config.json was refused: eos_token is "</s>", expected <|endoftext|> as in tokenizer.json.',
    );
    await expect(read({ bos_token: 7 })).rejects.toThrow(
      /^tokenizer_config\.json was refused: bos_token: .*7\.$/,
    );
  });

  test('vocab.json and merges.txt that do not belong together', async () => {
    await expect(readTokenizerFiles({ vocabJson, mergesTxt: `${mergesTxt}d o\n` })).rejects.toThrow(
      'merges.txt was refused: merge 2 needs "do", expected a token of the vocabulary.',
    );
    await expect(readTokenizerFiles({ vocabJson, mergesTxt: 'a b c' })).rejects.toThrow(
      'merges.txt was refused: merge 0 is "a b c", expected two tokens.',
    );
    const { '<|endoftext|>': _, ...rest } = vocabJson;
    await expect(readTokenizerFiles({ vocabJson: rest, mergesTxt })).rejects.toThrow(
      'vocab.json was refused: there is no <|endoftext|>, expected one.',
    );
  });

  test('gzip: damaged, no gzip, merges that repeat, too much', async () => {
    const file = 'bpe_simple_vocab_16e6.txt.gz';
    const read = (bpeGz: Uint8Array<ArrayBuffer>) => readTokenizerFiles({ bpeGz });
    await expect(read(gz(mergesTxt).slice(0, -9))).rejects.toThrow(
      new RegExp(`^${file} was refused: its \\d+ bytes`),
    );
    await expect(read(new TextEncoder().encode('#version'))).rejects.toThrow(
      `${file} was refused: its 8 bytes are no whole gzip file.`,
    );
    await expect(read(gz('a b\na b\n'))).rejects.toThrow(
      `${file} was refused: two merges make the same token, expected a token from each.`,
    );
    await expect(read(gz('a b\n'.repeat(5_000_000)))).rejects.toThrow(
      /: its \d+ bytes say at their end that they inflate to 20000000, and at most \d+ are read; the file is cut off, or made to fill memory\.$/,
    );
    const lying = gz('a b\n'.repeat(500_000));
    new DataView(lying.buffer).setUint32(lying.length - 4, 1000, true);
    await expect(read(lying)).rejects.toThrow(
      `${file} was refused: its ${lying.length} bytes do not inflate to the 1000 that they say.`,
    );
  });
});

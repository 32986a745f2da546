import { describe, expect, test } from 'vitest';
import { bindEncoder, type GraphSignature, textInputs } from './encoder-binding.ts';
import type { EncodingBatch, Preprocessing, Tokenizer } from './types.ts';

const folder = {
  preprocessing: { crop: { width: 32, height: 24 } } as Preprocessing,
  tokenizer: { contextLength: 16, padTokenId: 7 } as Tokenizer,
};
const IDS = ['batch', 'sequence'];
const PIXELS = ['batch', 3, 24, 32];
const tensor = (name: string, shape?: readonly (number | string)[], type?: string) => ({
  name,
  type: type ?? (name === 'pixel_values' ? 'float32' : 'int64'),
  shape: shape ?? (name === 'pixel_values' ? PIXELS : IDS),
});
const graph = (
  inputs: readonly GraphSignature['inputMetadata'][number][],
  outputs: readonly string[],
): GraphSignature => ({ inputMetadata: inputs, outputMetadata: outputs.map((name) => ({ name })) });
const pixels = tensor('pixel_values');
const ids = tensor('input_ids');
const mask = tensor('attention_mask');

describe('bindEncoder', () => {
  const image = { input: 'pixel_values', output: 'image_embeds', takesAttentionMask: false, sequence: null };
  const text = { input: 'input_ids', output: 'text_embeds', takesAttentionMask: false, sequence: null };
  test.each([
    ['vision_model', graph([pixels], ['image_embeds']), image],
    ['vision_model', graph([pixels], ['last_hidden_state', 'image_embeds']), image],
    ['vision_model', graph([tensor('pixel_values', [])], ['image_embeds']), image],
    ['vision_model', graph([tensor('pixel_values', ['n', 3, 'h', 'w'])], ['image_embeds']), image],
    ['text_model', graph([ids], ['text_embeds', 'pooler_output']), text],
    ['text_model', graph([mask, ids], ['text_embeds']), { ...text, takesAttentionMask: true }],
    ['text_model', graph([tensor('input_ids', ['n', 16])], ['text_embeds']), { ...text, sequence: 16 }],
    ['text_model', graph([tensor('input_ids', ['n', 20])], ['text_embeds']), { ...text, sequence: 20 }],
  ] as const)('%s (%#)', (encoder, signature, expected) => {
    expect(bindEncoder(encoder, signature, folder)).toEqual(expected);
  });

  test.each([
    [
      'vision_model',
      graph([tensor('image')], ['image_embeds']),
      /takes image; pixel_values alone was expected\. Export it with that input/,
    ],
    ['vision_model', graph([pixels, mask], ['image_embeds']), /pixel_values alone/],
    [
      'text_model',
      graph([ids, tensor('position_ids')], ['text_embeds']),
      /takes input_ids, position_ids; input/,
    ],
    ['text_model', graph([ids], ['pooler_output']), /gives pooler_output; text_embeds was expected/],
    [
      'vision_model',
      graph([tensor('pixel_values', PIXELS, 'float16')], ['image_embeds']),
      /pixel_values as float16; float32 was expected\. Export it with inputs of that type/,
    ],
    [
      'text_model',
      graph([ids, tensor('attention_mask', IDS, 'bool')], ['text_embeds']),
      /attention_mask as bool; int64/,
    ],
    ['text_model', graph([tensor('input_ids', [1, 'sequence'])], ['text_embeds']), /takes 1 at a time/],
    [
      'vision_model',
      graph([tensor('pixel_values', ['n', 3, 32, 24])], ['image_embeds']),
      /sees pictures of 24×32, preprocessor_config\.json makes them 32×24/,
    ],
    [
      'text_model',
      graph([tensor('input_ids', ['n', 8])], ['text_embeds']),
      /takes 8 tokens, .* cuts texts at 16; tokenizer_config\.json should have 8/,
    ],
  ] as const)('refuses %s (%#)', (encoder, signature, reason) => {
    expect(() => bindEncoder(encoder, signature, folder)).toThrow(reason);
  });
});

describe('textInputs', () => {
  const prompts: EncodingBatch = {
    input_ids: BigInt64Array.of(1n, 2n, 3n, 1n, 3n, 7n),
    attention_mask: BigInt64Array.of(1n, 1n, 1n, 1n, 1n, 0n),
    dims: [2, 3],
    truncated: [false, false],
  };
  const binding = { input: 'input_ids', output: 'text_embeds', takesAttentionMask: false, sequence: null };

  test('are the prompts as they are where any length is taken', () => {
    expect(textInputs(binding, prompts, 7)).toEqual({ input_ids: { data: prompts.input_ids, dims: [2, 3] } });
  });
  test('are filled up to the one length, the mask with zeros', () => {
    expect(textInputs({ ...binding, takesAttentionMask: true, sequence: 5 }, prompts, 7)).toEqual({
      input_ids: { data: BigInt64Array.of(1n, 2n, 3n, 7n, 7n, 1n, 3n, 7n, 7n, 7n), dims: [2, 5] },
      attention_mask: { data: BigInt64Array.of(1n, 1n, 1n, 0n, 0n, 1n, 1n, 0n, 0n, 0n), dims: [2, 5] },
    });
  });
});

import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { type ClipConfig, parseClipConfig } from '../clip/config.ts';
import { randomStream } from '../data/random.ts';
import { textEncoder } from '../networks/clip.ts';
import configs from '../networks/fixtures/configs.json' with { type: 'json' };
import { referenceWeights } from '../networks/fixtures/reference-weights.ts';
import { packedTextTransformer } from '../networks/text-transformer.ts';
import { Graph } from '../onnx/graph.ts';
import { toModel } from '../onnx/model-proto.ts';
import { packedTextInputs, packTexts, placesOf } from './text-packing.ts';

const config = parseClipConfig(configs['patches, QuickGELU'], 'configs.json');
const { text_config: text, projection_dim: projection } = config;
const context = text.max_position_embeddings;

/** Captions of these lengths, ends included, padded to the context. */
function captionsOf(lengths: readonly number[]) {
  const random = randomStream('packing', ...lengths);
  const input_ids = new BigInt64Array(lengths.length * context).fill(BigInt(text.eos_token_id));
  for (const [i, length] of lengths.entries()) {
    input_ids[i * context] = BigInt(text.bos_token_id);
    for (let place = 1; place < length - 1; place++)
      input_ids[i * context + place] = BigInt(Math.floor(random() * (text.vocab_size - 2)));
  }
  return { input_ids, dims: [lengths.length, context] as const };
}

describe('rows', () => {
  it('hold every caption once, one behind the other, in as few rows as their lengths allow', () => {
    const random = randomStream('lengths');
    for (let trial = 0; trial < 50; trial++) {
      const lengths = Array.from({ length: 100 }, () => 2 + Math.floor(15 * random()));
      const { places, rows } = placesOf(lengths, 16);
      const taken = Array.from({ length: rows }, () => new Set<number>());
      for (const [i, { row, start, length }] of places.entries()) {
        expect(length).toBe(lengths[i]);
        for (let at = start; at < start + length; at++) {
          expect(at).toBeLessThan(16);
          expect(taken[row].has(at)).toBe(false);
          taken[row].add(at);
        }
      }
      const tokens = lengths.reduce((sum, length) => sum + length, 0);
      // First fit of the longest first takes 11/9 of the least at most, and two thirds of a row (Johnson 1973; Dósa 2007). No packing
      // takes less than all tokens fill, or than a row for each caption of more than half a row.
      const least = Math.max(Math.ceil(tokens / 16), lengths.filter((length) => length > 8).length);
      expect(rows).toBeLessThanOrEqual((11 / 9) * least + 2 / 3);
    }
  });

  it('are as long as no caption may be longer than', () => {
    expect(() => placesOf([4, 17], 16)).toThrow('A caption of 17 tokens does not fit into a row of 16.');
  });
});

async function packedVectors(of: ClipConfig, lengths: readonly number[], from: number, count: number) {
  const g = new Graph();
  const inputs = packedTextInputs(g, count, context);
  g.output('text_embeds', packedTextTransformer(g, inputs, of.text_config, projection));
  const weights = referenceWeights(g.parameters.values(), of);
  const session = await ort.InferenceSession.create(toModel(g, weights));
  const feeds = packTexts(captionsOf(lengths), { from, count, tokens: context }, of.text_config);
  const { text_embeds } = await session.run(feeds);
  return { rows: feeds.row_of.dims[1], vectors: text_embeds.data as Float32Array };
}

describe.each([
  ['the end token by its id', config],
  ['the end token as the largest id', { ...config, text_config: { ...text, eos_token_id: 2 } }],
])('captions in rows, with %s', (_, of: ClipConfig) => {
  it('have the vectors of each one alone', async () => {
    const lengths = [3, context, 4, 2, 5, 3, 2, 6];
    const encoder = textEncoder(of);
    const session = await ort.InferenceSession.create(
      toModel(encoder, referenceWeights(encoder.parameters.values(), of)),
    );
    const { input_ids, dims } = captionsOf(lengths);
    const alone = await session.run({ input_ids: new ort.Tensor('int64', input_ids, dims) });
    const wanted = alone.text_embeds.data as Float32Array;
    for (const [from, count] of [
      [0, 8],
      [2, 6],
    ]) {
      const { rows, vectors } = await packedVectors(of, lengths, from, count);
      expect(rows).toBeLessThan(count);
      const furthest = vectors.reduce(
        (most, x, i) => Math.max(most, Math.abs(x - wanted[from * projection + i])),
        0,
      );
      expect(furthest).toBeLessThan(1e-5);
    }
  });
});

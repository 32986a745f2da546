// fixtures/figures.json comes from PyTorch: `/usr/bin/python3 models/evaluate/fixtures/make-figures.py`.
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { parsePreprocessorConfig } from '../clip/preprocess.ts';
import { normalize } from '../clip/ranking.ts';
import type { PairSource } from '../data/types.ts';
import type { Embedder } from '../inference/model.ts';
import torch from './fixtures/figures.json' with { type: 'json' };
import { retrieval, retrievalFigures } from './retrieval.ts';

const units = (rows: number[][]) => rows.map((row) => normalize(Float32Array.from(row)));
const { images, captions, pictureOf, figures } = torch.retrieval;

test('equal to PyTorch, by the definition of CLIP_benchmark', () => {
  expect(Object.values(figures).some((value) => value > 0 && value < 1)).toBe(true);
  expect(retrievalFigures(units(images), units(captions), pictureOf)).toEqual(figures);
});

test('any caption of a picture counts for it, each caption for itself', () => {
  const [x, y] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
  const found = retrievalFigures([x, y], [y, x, y], [0, 0, 1]);
  expect(found['text_retrieval_recall@1']).toBe(0.5); // y's first caption is picture 0's; x's is its own
  expect(found['image_retrieval_recall@1']).toBeCloseTo(2 / 3, 12);
  expect(found['text_retrieval_recall@5']).toBe(1);
});

const COLOURS = ['red', 'lime', 'blue'];
/** A picture's vector is its mean colour, a text's the colour that it names: each caption is nearest to its own picture. */
const seeing: Embedder = {
  preprocessing: parsePreprocessorConfig({
    size: { shortest_edge: 4 },
    crop_size: 4,
    image_mean: [0, 0, 0],
    image_std: [1, 1, 1],
  }),
  tokenizer: {
    vocabSize: 2,
    contextLength: 8,
    bosTokenId: 0,
    eosTokenId: 1,
    padTokenId: 1,
    encode: (text) => ({ ids: [0, 1], truncated: text.includes('long') }),
    encodeBatch: () => {
      throw new Error('not asked for');
    },
    decode: () => '',
  },
  embedPixelValues: async (values, count) =>
    Array.from({ length: count }, (_, i) =>
      normalize(Float32Array.from([0, 1, 2], (channel) => values[(3 * i + channel) * 16])),
    ),
  embedTexts: async (texts) =>
    texts.map((text) => Float32Array.from(COLOURS, (colour) => Number(text.includes(colour)))),
};

test('over a source: each caption belongs to its own row, however many a row has', async () => {
  const images = await Promise.all(
    COLOURS.map((background) =>
      sharp({ create: { width: 6, height: 6, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  const words = [['red', 'a red wall', 'red, a long text'], ['lime'], ['blue', 'all blue']];
  const text = (row: number) => ({ id: `row ${row}`, labels: [], captions: words[row], source: 'made up' });
  const source: PairSource = {
    name: 'made up',
    length: 3,
    text,
    row: async (row) => ({ ...text(row), image: images[row] }),
  };
  expect(await retrieval(seeing, source)).toMatchObject({
    'image_retrieval_recall@1': 1,
    'text_retrieval_recall@1': 1,
    n: 3,
    captions: 6,
    truncated: 1,
  });
});

// fixtures/figures.json comes from PyTorch: `/usr/bin/python3 models/evaluate/fixtures/make-figures.py`.
import { expect, test } from 'vitest';
import { normalize } from '../clip/ranking.ts';
import torch from './fixtures/figures.json' with { type: 'json' };
import { retrievalFigures } from './retrieval.ts';

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

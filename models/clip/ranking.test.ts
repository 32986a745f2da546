// fixtures/ranking.json comes from PyTorch: `/usr/bin/python3 models/clip/fixtures/make-ranking.py`.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import torch from './fixtures/ranking.json' with { type: 'json' };
import {
  cosine,
  cosines,
  createCosineTable,
  ensemble,
  normalize,
  packVectors,
  rank,
  rankCosines,
} from './ranking.ts';

const vectors = (rows: number[][]) => rows.map((row) => Float32Array.from(row));
const labels = ensemble(vectors(torch.prompts).map(normalize), torch.templatesPerLabel);
const images = vectors(torch.images).map(normalize);

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number) {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(actual[i] - value)).toBeLessThan(tolerance);
}

describe('equal to PyTorch', () => {
  test('unit vectors and ensembles', () => {
    for (const [i, row] of torch.prompts.entries()) {
      expectClose(normalize(Float32Array.from(row)), torch.unitPrompts[i], 1e-6);
    }
    for (const [i, label] of labels.entries()) expectClose(label, torch.unitLabels[i], 1e-6);
    for (const [i, image] of images.entries()) expectClose(image, torch.unitImages[i], 1e-6);
  });

  test('cosines, one by one and packed', () => {
    for (const [i, image] of images.entries()) {
      expectClose(
        labels.map((label) => cosine(image, label)),
        torch.cosines[i],
        1e-6,
      );
      expectClose(cosines(image, packVectors(labels)), torch.cosines[i], 1e-6);
    }
  });

  test.each(Object.entries(torch.probabilities))(
    'order and probabilities at logit scale %s',
    (scale, rows) => {
      for (const [i, row] of rows.entries()) {
        // PyTorch's own cosines: at scale 100 the softmax is compared, not the last bit of a dot product.
        const ranked = rankCosines(Float32Array.from(torch.cosines[i]), { logitScale: Number(scale) });
        expect(ranked.map(({ index }) => index)).toEqual(torch.order[i]);
        expectClose(
          ranked.map(({ probability }) => probability),
          torch.order[i].map((index) => row[index]),
          1e-9,
        );
      }
    },
  );

  test('from vectors to a ranking', () => {
    const logitScale = 14.285714285714286;
    for (const [i, image] of images.entries()) {
      const ranked = rank(image, labels, { logitScale });
      expect(ranked.map(({ index }) => index)).toEqual(torch.order[i]);
      const expected = torch.order[i].map((index) => torch.probabilities['14.285714285714286'][i][index]);
      expectClose(
        ranked.map(({ probability }) => probability),
        expected,
        1e-5,
      );
      expect(rank(image, packVectors(labels), { logitScale })).toEqual(ranked);
    }
  });
});

describe('rankCosines', () => {
  const values = fc.float32Array({ minLength: 1, maxLength: 200, noNaN: true, min: -1, max: 1 });

  test('top k is the head of the whole ranking, ties in label order', () => {
    // Few distinct values, so that ties are everywhere.
    const tied = fc.array(fc.constantFrom(-0.5, 0, 0.25, 0.5), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(
        fc.oneof(
          values,
          tied.map((list) => Float32Array.from(list)),
        ),
        fc.nat(220),
        (all, topK) => {
          const whole = rankCosines(all, { logitScale: 20 });
          expect(rankCosines(all, { logitScale: 20, topK })).toEqual(whole.slice(0, topK));
          for (let i = 1; i < whole.length; i++) {
            const [a, b] = [whole[i - 1], whole[i]];
            expect(a.cosine > b.cosine || (a.cosine === b.cosine && a.index < b.index)).toBe(true);
          }
        },
      ),
    );
  });

  test('probabilities are 1 together, at any scale', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1000, noNaN: true }), (all, logitScale) => {
        const total = rankCosines(all, { logitScale }).reduce((sum, { probability }) => sum + probability, 0);
        expect(total).toBeCloseTo(1, 9);
      }),
    );
  });

  test('no labels, no ranking', () => {
    expect(rank(images[0], [], { logitScale: 100 })).toEqual([]);
  });
});

describe('createCosineTable', () => {
  test('equals computing anew through labels that come, go and move', () => {
    const table = createCosineTable();
    const plain = (image: Float32Array, list: Float32Array[]) =>
      list.map((label) => Math.fround(cosine(image, label)));
    const lists = [labels.slice(0, 3), labels, labels.toReversed(), labels.slice(2, 5), [], labels];
    for (const list of lists) {
      for (const image of images) expect([...table.row(image, list)]).toEqual(plain(image, list));
    }
  });

  test('photographs that come late or saw other labels are right too', () => {
    const table = createCosineTable();
    const [early, late] = images;
    table.row(early, labels.slice(0, 2));
    table.row(late, labels.slice(1, 4));
    for (const image of [early, late]) {
      expect([...table.row(image, labels)]).toEqual([...cosines(image, packVectors(labels))]);
    }
  });

  test('a known list costs nothing', () => {
    const table = createCosineTable();
    expect(table.row(images[0], labels)).toBe(table.row(images[0], labels));
  });
});

describe('refuses', () => {
  test('vectors without a direction', () => {
    expect(() => normalize(new Float32Array(4))).toThrow(/length 0 and so no direction/);
    expect(() => normalize(Float32Array.of(1, Number.NaN))).toThrow(/length NaN/);
    expect(() => ensemble([Float32Array.of(1, 0), Float32Array.of(-1, 0)], 2)).toThrow(/no direction/);
  });

  test('vectors of different models', () => {
    const [a, b] = [new Float32Array(3).fill(1), new Float32Array(4).fill(1)];
    expect(() => cosine(a, b)).toThrow(/3 and 4 numbers/);
    expect(() => packVectors([a, b])).toThrow(/3 and 4 numbers/);
    expect(() => cosines(a, packVectors([b]))).toThrow(/3 and 4 numbers/);
  });

  test('prompts that make no whole labels', () => {
    expect(() => ensemble(vectors([[1], [1], [1]]), 2)).toThrow(/3 prompts do not make whole labels of 2/);
    expect(() => ensemble([], 0)).toThrow(/of 0 templates/);
    expect(() => ensemble(vectors([[1], [1], [1]]), 1.5)).toThrow(/of 1\.5 templates/);
    expect(() => ensemble(vectors([[1], [1, 2]]), 2)).toThrow(/1 and 2 numbers/);
  });
});

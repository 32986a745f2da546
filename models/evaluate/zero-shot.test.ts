// fixtures/figures.json comes from PyTorch: `/usr/bin/python3 models/evaluate/fixtures/make-figures.py`.
import { describe, expect, test, vi } from 'vitest';
import { ensemble, normalize } from '../clip/ranking.ts';
import type { PairSource, PairText } from '../data/types.ts';
import torch from './fixtures/figures.json' with { type: 'json' };
import { classesOf, classVectors, rightClasses, zeroShotFigures } from './zero-shot.ts';

const units = (rows: number[][]) => rows.map((row) => normalize(Float32Array.from(row)));
const row = (...labels: string[]): PairText => ({ id: 'toys row 0', labels, captions: [], source: 'toys' });
const source = (...rows: PairText[]): PairSource => ({
  name: 'toys',
  length: rows.length,
  text: (index) => rows[index],
  row: async () => {
    throw new Error('no picture was to be read');
  },
});

describe('zeroShotFigures', () => {
  const names = torch.zeroShot.classes.map((_, i) => [`class ${i}`]);
  const right = torch.zeroShot.targets.map((target) => [target]);
  const images = units(torch.zeroShot.images);
  const figures = zeroShotFigures(images, right, names, units(torch.zeroShot.classes));

  test('equal to PyTorch', () => {
    expect(figures).toMatchObject({
      acc1: torch.zeroShot.acc1,
      acc5: torch.zeroShot.acc5,
      n: 60,
      classes: 12,
    });
  });

  test('the accuracies of the classes make the whole', () => {
    const hits = figures.perClass.reduce((sum, { acc1, n }) => sum + acc1 * n, 0);
    expect(hits / 60).toBeCloseTo(figures.acc1, 12);
    expect(figures.perClass.reduce((sum, { n }) => sum + n, 0)).toBe(60);
  });

  test('any of several right classes counts; fewer than five classes are all among five', () => {
    const [x, y, z] = [Float32Array.of(1, 0), Float32Array.of(0, 1), Float32Array.of(-1, 0)];
    const toys = [['x'], ['y'], ['z']];
    expect(zeroShotFigures([x, z], [[1, 0], [0]], toys, [x, y, z])).toMatchObject({
      acc1: 0.5,
      acc5: 1,
      n: 2,
    });
  });

  test('a tie goes to the class that is listed first, not to the right one', () => {
    const x = Float32Array.of(1, 0);
    expect(zeroShotFigures([x, x], [[0], [1]], [['a'], ['b']], [x, x]).acc1).toBe(0.5);
  });
});

describe('classes', () => {
  test('are the distinct labels of the data, sorted', () => {
    const rows = [row('royal gala', 'apple'), row('Car'), row('granny smith', 'apple'), row('car')];
    expect(classesOf(source(...rows))).toEqual([['car'], ['granny smith', 'apple'], ['royal gala', 'apple']]);
  });

  test('are sets of names, in whatever order and however often each stands', () => {
    const rows = [row('felis', 'cat'), row('cat', 'Felis'), row('Cat', 'felis', 'cat'), row('cat')];
    const classes = classesOf(source(...rows));
    expect(classes.map((names) => new Set(names.map((name) => name.toLowerCase())))).toEqual([
      new Set(['cat']),
      new Set(['cat', 'felis']),
    ]);
    expect(rows.map(rightClasses(classes))).toEqual([[1], [1], [1], [0]]);
  });

  test('captions have none', () => {
    expect(() => classesOf(source(row()))).toThrow(/toys row 0 has no label.*use retrieval/);
    expect(() => rightClasses([['cat']])(row())).toThrow(/toys row 0 has no label.*use retrieval/);
  });

  test("a row's own class is right, not one that shares a coarse name", () => {
    const classes = [
      ['granny smith', 'apple'],
      ['royal gala', 'apple'],
      ['car', 'automobile'],
    ];
    expect(rightClasses(classes)(row('royal gala', 'apple'))).toEqual([1]);
    expect(rightClasses(classes)(row('Car', 'Automobile'))).toEqual([2]);
  });

  test('in a list from elsewhere, every class with one of its names is right', () => {
    const classes = [['apple'], ['fruit'], ['granny smith'], ['car']];
    expect(rightClasses(classes)(row('apple', 'Granny Smith'))).toEqual([0, 2]);
    expect(() => rightClasses(classes)(row('boat'))).toThrow(
      'toys row 0 is labelled "boat", which is none of the 4 classes. Put it into the file of --classes, or leave that out.',
    );
  });

  test('a class that is listed twice is its first; one with a name twice is right once', () => {
    const rightOf = rightClasses([['dog'], ['cat'], ['Cat'], ['apple', 'Apple', 'fruit']]);
    expect(rightOf(row('cat'))).toEqual([1]);
    expect(rightOf(row('apple'))).toEqual([3]);
  });

  test('are gone through once, not once a row', () => {
    const classes = Array.from({ length: 100 }, (_, i) => [`class ${i}`]);
    const rows = Array.from({ length: 100 }, (_, i) => row(`class ${i}`, 'other'));
    const folding = vi.spyOn(String.prototype, 'toLowerCase');
    expect(rows.map(rightClasses(classes))).toEqual(rows.map((_, i) => [i]));
    expect(folding.mock.calls.length).toBeLessThan(1000);
    folding.mockRestore();
  });

  test('a vector is the ensemble over names and templates', async () => {
    const asked: string[] = [];
    const vectorOf = (text: string) =>
      normalize(Float32Array.from({ length: 4 }, (_, i) => text.charCodeAt(i % text.length) - 90));
    const vectors = await classVectors([['cat', 'felis'], ['dog']], ['a {}', 'the {}'], async (texts) => {
      asked.push(...texts);
      return texts.map(vectorOf);
    });
    expect(asked).toEqual(['a cat', 'the cat', 'a felis', 'the felis', 'a dog', 'the dog']);
    const all = asked.map(vectorOf);
    expect(vectors).toEqual([...ensemble(all.slice(0, 4), 4), ...ensemble(all.slice(4), 2)]);
  });
});

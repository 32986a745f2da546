// What cannot be is refused where it is asked for, in a sentence, and not when a session is created.

import { describe, expect, it } from 'vitest';
import { type DataType, Graph } from './graph.ts';
import * as op from './operators.ts';
import type { Shape } from './shapes.ts';

const g = new Graph();
let made = 0;
const value = (shape: Shape, type: DataType = 'float32') => g.input(`input ${made++}`, type, shape);
const picture = value(['batch', 4, 'height', 8]);
const SYMBOLIC = 'has the symbolic axis height, whose length must be known here.';

describe('convolutions and pools', () => {
  const stride = { stride: 2, padding: 1 };

  it('know the height and width that they give', () => {
    const weight = value([4, 4, 3, 3]);
    expect(op.conv(g, value(['batch', 4, 7, 8]), weight, stride).shape).toEqual(['batch', 4, 4, 4]);
    expect(() => op.conv(g, picture, weight, stride)).toThrow(SYMBOLIC);
    expect(() => op.convTranspose(g, picture, weight, { ...stride, size: [8, 8] })).toThrow(SYMBOLIC);
    expect(() => op.averagePool(g, picture, 2)).toThrow(SYMBOLIC);
    expect(() => op.repeatPixels(g, picture, 2)).toThrow(SYMBOLIC);
    expect(() => op.spaceToDepth(g, picture, 2)).toThrow(SYMBOLIC);
  });

  it('know their weights', () => {
    const weight = value([4, 4, 'height', 3]);
    expect(() => op.conv(g, value([1, 4, 8, 8]), weight, stride)).toThrow(SYMBOLIC);
  });

  it('leave no pixel over', () => {
    expect(op.averagePool(g, value(['batch', 4, 6, 8]), 2).shape).toEqual(['batch', 4, 3, 4]);
    expect(op.spaceToDepth(g, value(['batch', 3, 6, 8]), 2).shape).toEqual(['batch', 12, 3, 4]);
    expect(() => op.averagePool(g, value([1, 4, 7, 8]), 2)).toThrow(
      'Axis 2 of the shape [1, 4, 7, 8] is not a multiple of 2.',
    );
    expect(() => op.spaceToDepth(g, value([1, 4, 8, 7]), 2)).toThrow(
      'Axis 3 of the shape [1, 4, 8, 7] is not a multiple of 2.',
    );
  });

  it('refuse a kernel that is larger than what it is laid over', () => {
    const weight = value([4, 4, 5, 5]);
    expect(() => op.conv(g, value([1, 4, 3, 3]), weight, { stride: 1, padding: 0 })).toThrow(
      'Conv would give the shape [1, 4, -1, -1], which no tensor has.',
    );
  });
});

describe('concat', () => {
  it('adds up one axis, where all else is equal', () => {
    expect(op.concat(g, [value(['batch', 3]), value(['batch', 4])], 1).shape).toEqual(['batch', 7]);
    expect(() => op.concat(g, [value([2, 3]), value([2, 4])], 0)).toThrow(
      'Concat of float32 [2, 3] and float32 [2, 4]: all but axis 0 must be equal.',
    );
    expect(() => op.concat(g, [value([2, 3]), value([2])], 0)).toThrow('all but axis 0 must be equal');
    expect(() => op.concat(g, [value([2, 3]), value([2, 3], 'int64')], 0)).toThrow(
      'Concat of float32 [2, 3] and int64 [2, 3]',
    );
    expect(() => op.concat(g, [value(['height']), value([2])], 0)).toThrow(SYMBOLIC);
  });
});

describe('slice', () => {
  const seven = value([7]);
  const cut = (start: number, end: number, step?: number) =>
    op.slice(g, seven, [{ axis: 0, start, end, step }]);

  it('stays within its axis', () => {
    expect(cut(1, 7).shape).toEqual([6]);
    expect(cut(0, 7, 3).shape).toEqual([3]);
    expect(() => cut(0, 99)).toThrow('Slice of [7] along axis 0 cannot go from 0 to 99.');
    expect(() => cut(-2, 7)).toThrow('Slice of [7] along axis 0 cannot go from -2 to 7.');
    expect(() => cut(5, 3)).toThrow('Slice of [7] along axis 0 cannot go from 5 to 3.');
    expect(() => op.slice(g, picture, [{ axis: 2, start: 0, end: 1 }])).toThrow(SYMBOLIC);
  });
});

describe('elementwise operators', () => {
  it('are of one type', () => {
    const [whole, broken] = [value([2], 'int64'), value([2])];
    expect(op.add(g, whole, value([], 'int64')).type).toBe('int64');
    for (const operator of [op.add, op.sub, op.mul, op.div, op.min, op.equal, op.greater])
      expect(() => operator(g, whole, broken)).toThrow('of int64 and float32: both must be of one type.');
  });
});

describe('any operator', () => {
  it('gives a shape that a tensor can have', () => {
    expect(() => op.transpose(g, value([2, 3]), [0, 2])).toThrow(
      'Transpose would give the shape [2, undefined], which no tensor has.',
    );
  });
});

import { describe, expect, it } from 'vitest';
import { Graph } from './graph.ts';
import { matMul, reshape } from './operators.ts';
import { broadcast, broadcastAxes, knownLengths, lengthAt, partsAt, productOf, sizeOf } from './shapes.ts';

describe('symbolic shapes', () => {
  it('multiplies numbers and names', () => {
    expect(productOf([2, 3])).toBe(6);
    expect(productOf([])).toBe(1);
    expect(productOf(['batch', 65])).toBe('65*batch');
    expect(productOf(['sequence', '2*batch', 3])).toBe('6*batch*sequence');
    expect(() => sizeOf(['batch', 3])).toThrow(/batch/);
  });

  it('give the lengths that are known, and refuse the others by name', () => {
    expect(lengthAt(['batch', 3, 8], 1)).toBe(3);
    expect(lengthAt(['batch', 3, 8], -1)).toBe(8);
    expect(knownLengths([2, 3])).toEqual([2, 3]);
    const refused = 'The shape [batch, 3] has the symbolic axis batch, whose length must be known here.';
    expect(() => lengthAt(['batch', 3], 0)).toThrow(refused);
    expect(() => knownLengths(['batch', 3])).toThrow(refused);
    expect(() => lengthAt(['batch', 3], 2)).toThrow('The shape [batch, 3] has no axis 2.');
  });

  it('divide an axis into whole parts alone', () => {
    expect(partsAt(['batch', 12], 1, 4)).toBe(3);
    expect(() => partsAt(['batch', 10], 1, 4)).toThrow(
      'Axis 1 of the shape [batch, 10] is not a multiple of 4.',
    );
  });

  it('broadcasts as NumPy does', () => {
    expect(broadcast(['batch', 1, 4], [3, 1])).toEqual(['batch', 3, 4]);
    expect(broadcast([], ['batch'])).toEqual(['batch']);
    expect(() => broadcast(['batch'], ['sequence'])).toThrow(/do not broadcast/);
    expect(broadcastAxes([3, 1], ['batch', 3, 4])).toEqual([0, 2]);
  });
});

describe('the graph', () => {
  it('infers one open length of a reshape and copies the others', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', ['batch', 'sequence', 8]);
    const heads = reshape(g, x, ['batch', 'sequence', 2, 4]);
    expect(heads.shape).toEqual(['batch', 'sequence', 2, 4]);
    expect(reshape(g, x, ['batch*sequence', 8]).shape).toEqual(['batch*sequence', 8]);
    expect(() => reshape(g, x, ['sequence', 'batch', 8])).toThrow(/two lengths open/);
    expect(() => reshape(g, x, ['batch', 'sequence', 9])).toThrow(/number of elements/);
  });

  it('finds a mismatch where it is made', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', ['batch', 8]);
    expect(() => matMul(g, x, g.parameter('w', [4, 2], { kind: 'constant', value: 0 }))).toThrow(
      '8 is not 4',
    );
    expect(() => g.parameter('w', [1], { kind: 'constant', value: 0 })).toThrow(
      /already has a value named w/,
    );
  });

  it('keeps one initializer for equal constants', () => {
    const g = new Graph();
    expect(g.integers([1, 2])).toBe(g.integers([1, 2]));
    expect(g.integers([1, 2])).not.toBe(g.integers([1, 2], [1, 2]));
  });
});

import { describe, expect, it } from 'vitest';
import { productFlops } from './flops.ts';
import { gradients } from './gradients.ts';
import { Graph } from './graph.ts';
import { add, conv, convTranspose, gemm, matMul, reduceSum, relu } from './operators.ts';

const start = { kind: 'constant', value: 0 } as const;

describe('the arithmetic of a graph', () => {
  it('counts matrix products, each matrix of a batch and transposed ones', () => {
    const g = new Graph();
    const batch = g.input('batch', 'float32', [5, 2, 3]);
    matMul(g, batch, g.input('matrix', 'float32', [3, 7]));
    expect(productFlops(g)).toBe(2 * 5 * 2 * 3 * 7);

    const h = new Graph();
    gemm(h, h.input('a', 'float32', [3, 2]), h.input('b', 'float32', [7, 3]), { transA: 1, transB: 1 });
    expect(productFlops(h)).toBe(2 * 2 * 3 * 7);
  });

  it('counts a convolution, and its adjoint as much', () => {
    const g = new Graph();
    const weight = g.input('weight', 'float32', [8, 3, 3, 3]);
    const options = { stride: 2, padding: 1 };
    const y = conv(g, g.input('x', 'float32', [2, 3, 16, 16]), weight, options);
    const flops = 2 * (2 * 8 * 8 * 8) * (3 * 3 * 3);
    expect(productFlops(g)).toBe(flops);
    convTranspose(g, y, weight, { ...options, size: [16, 16] });
    expect(productFlops(g)).toBe(2 * flops);
  });

  it('counts nothing else', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [4, 4]);
    relu(g, add(g, x, x));
    expect(productFlops(g)).toBe(0);
  });

  it('is three times as much for a step as for the forward part alone, where nothing is left out', () => {
    const g = new Graph('training');
    const x = g.parameter('x', [4, 6], start);
    const y = matMul(g, x, g.parameter('w', [6, 5], start));
    const forward = productFlops(g);
    gradients(g, reduceSum(g, y, [0, 1], false));
    expect(productFlops(g)).toBe(3 * forward);
  });

  it('needs to know every axis', () => {
    const g = new Graph();
    matMul(g, g.input('x', 'float32', ['batch', 3]), g.input('w', 'float32', [3, 2]));
    expect(() => productFlops(g)).toThrow(/batch/);
  });
});

import { describe, expect, it } from 'vitest';
import { count, outputLoss, randomFeeds, runGraph } from './fixtures/training-graphs.ts';
import { Graph } from './graph.ts';
import { multiplyInInt8 } from './int8-products.ts';
import { add, fusedMatMul, matMul, mul, reduceSum } from './operators.ts';

const [BATCH, TOKENS, WIDTH, INNER] = [4, 3, 32, 48];
const start = { kind: 'normal', std: 1 } as const;

/** Two layers with biases, and one without whose weight is never chosen: the loss is the sum of squares. @param factor of the layers */
function network(factor = 1) {
  const g = new Graph('training');
  const x = g.input('x', 'float32', [BATCH, TOKENS, WIDTH]);
  const layer = (y: typeof x, name: string, from: number, to: number) =>
    add(
      g,
      factor === 1
        ? matMul(g, y, g.parameter(name, [from, to], start))
        : fusedMatMul(g, y, g.parameter(name, [from, to], start), { alpha: factor }),
      g.parameter(`${name}.bias`, [to], start),
    );
  const hidden = layer(layer(x, 'first', WIDTH, INNER), 'second', INNER, WIDTH);
  const result = matMul(g, hidden, g.parameter('plain', [WIDTH, WIDTH], start));
  const loss = reduceSum(g, mul(g, result, result), [0, 1, 2], false);
  outputLoss(g, loss);
  return g;
}

describe('products in int8', () => {
  it('are those with the chosen weights, forward and backward, once quantised for all who read', () => {
    const g = network();
    const before = count(g, 'MatMul') + count(g, 'Gemm');
    multiplyInInt8(g, ({ name }) => name === 'first' || name === 'second');
    // Two forward and one backward: nothing asks for the gradient of x.
    expect(count(g, 'MatMulIntegerToFloat')).toBe(3);
    expect(count(g, 'MatMul') + count(g, 'Gemm')).toBe(before - 3);
    expect(count(g, 'QuantizeLinear')).toBe(2);
    expect(count(g, 'DynamicQuantizeLinear')).toBe(3);
    const untouched = network();
    multiplyInInt8(untouched, () => false);
    expect(untouched.nodes.map(({ op }) => op)).toEqual(network().nodes.map(({ op }) => op));
  });

  it.each([1, 1.7])(
    'give nearly the same loss and gradients, biases added, products times %d',
    async (factor) => {
      const [exact, rounded] = [network(factor), network(factor)];
      multiplyInInt8(rounded, ({ name }) => name !== 'plain');
      expect(count(rounded, 'MatMulIntegerToFloat')).toBe(3);
      const inputs = randomFeeds(exact, 'int8');
      const [wanted, found] = [await runGraph(exact, inputs), await runGraph(rounded, inputs)];
      expect(Object.keys(found)).toEqual(Object.keys(wanted));
      for (const [name, { data }] of Object.entries(wanted)) {
        const [a, b] = [data as Float32Array, found[name].data as Float32Array];
        const error = Math.hypot(...a.map((x, i) => x - b[i])) / Math.hypot(...a);
        expect(error, name).toBeLessThan(0.02);
        expect(error, name).toBeGreaterThan(1e-6);
      }
    },
  );

  it('of a weight of zeros are zeros', async () => {
    const g = network();
    multiplyInInt8(g, () => true);
    const inputs = randomFeeds(g, 'int8');
    for (const name of ['first', 'second.bias', 'second']) (inputs[name].data as Float32Array).fill(0);
    expect((await runGraph(g, inputs)).loss.data).toEqual(Float32Array.of(0));
  });

  it('leave a sum alone whose product others read too', async () => {
    const g = new Graph('training');
    const x = g.input('x', 'float32', [2, WIDTH]);
    const product = matMul(g, x, g.parameter('w', [WIDTH, WIDTH], start));
    const sum = add(g, product, g.parameter('bias', [WIDTH], start));
    g.output('both', mul(g, product, sum));
    const inputs = randomFeeds(g, 'int8');
    const wanted = (await runGraph(g, inputs)).both.data as Float32Array;
    multiplyInInt8(g, ({ name }) => name === 'w');
    expect(count(g, 'Add')).toBe(2);
    const found = (await runGraph(g, inputs)).both.data as Float32Array;
    expect(Math.hypot(...wanted.map((value, i) => value - found[i])) / Math.hypot(...wanted)).toBeLessThan(
      0.03,
    );
  });
});

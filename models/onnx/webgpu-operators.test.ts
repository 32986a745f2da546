import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { Graph, type Value } from './graph.ts';
import { toModel } from './model-proto.ts';
import { gemm, logSoftmax } from './operators.ts';
import { replaceForWebGpu } from './webgpu-operators.ts';

/** Enough for a sum in four parts. */
const ROWS = 1024;

const build: Record<string, (g: Graph) => Value> = {
  'a product with a transposed matrix': (g) =>
    gemm(g, g.input('a', 'float32', [ROWS, 3]), g.input('b', 'float32', [5, 3]), { transB: 1 }),
  'a sum over many rows': (g) =>
    gemm(g, g.input('a', 'float32', [ROWS, 3]), g.input('b', 'float32', [ROWS, 5]), { transA: 1 }),
  'a sum over few rows': (g) =>
    gemm(g, g.input('a', 'float32', [7, 3]), g.input('b', 'float32', [7, 5]), { transA: 1 }),
  LogSoftmax: (g) => logSoftmax(g, g.input('a', 'float32', [4, 6]), 1),
};

async function run(g: Graph): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(toModel(g));
  const feeds = Object.fromEntries(
    g.inputs.map(({ name, shape }) => {
      const dims = shape.map(Number);
      const data = Float32Array.from({ length: dims[0] * dims[1] }, (_, i) => Math.sin(i * 1.7));
      return [name, new ort.Tensor('float32', data, dims)];
    }),
  );
  const { y } = await session.run(feeds);
  await session.release();
  return y.data as Float32Array;
}

it.each(Object.entries(build))('%s gives the same in other operators', async (_, make) => {
  const graph = () => {
    const g = new Graph();
    g.output('y', make(g));
    return g;
  };
  const expected = await run(graph());
  const replaced = graph();
  replaceForWebGpu(replaced);
  const values = await run(replaced);
  expect(values).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(values[i]).toBeCloseTo(value, 4);
});

it('leaves no Gemm that transposes where a sum is long', () => {
  for (const name of ['a product with a transposed matrix', 'a sum over many rows']) {
    const g = new Graph();
    g.output('y', build[name](g));
    replaceForWebGpu(g);
    expect(g.nodes.map(({ op }) => op)).not.toContain('Gemm');
  }
});

import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { Graph } from './graph.ts';
import { toModel } from './model-proto.ts';
import { logSoftmax } from './operators.ts';
import { replaceForWebGpu } from './webgpu-operators.ts';

const X = Float32Array.from({ length: 24 }, (_, i) => 30 * Math.sin(i * 1.7));

async function run(g: Graph): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(toModel(g));
  const { y } = await session.run({ x: new ort.Tensor('float32', X, [4, 6]) });
  await session.release();
  return y.data as Float32Array;
}

it.each([0, 1])('LogSoftmax over axis %d gives the same in other operators', async (axis) => {
  const graph = () => {
    const g = new Graph();
    g.output('y', logSoftmax(g, g.input('x', 'float32', [4, 6]), axis));
    return g;
  };
  const expected = await run(graph());
  const replaced = graph();
  replaceForWebGpu(replaced);
  expect(replaced.nodes.map(({ op }) => op)).not.toContain('LogSoftmax');
  for (const [i, value] of (await run(replaced)).entries()) expect(value).toBeCloseTo(expected[i], 4);
});

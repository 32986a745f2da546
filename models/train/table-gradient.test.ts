import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { Graph } from '../onnx/graph.ts';
import { toModel } from '../onnx/model-proto.ts';
import { sizeOf } from '../onnx/shapes.ts';
import { floats } from './graph-session.ts';
import { MOST_ZEROS_AND_ONES, tableGradient } from './table-gradient.ts';

const WIDTH = 2;

function graphOf(dims: readonly [number, number], count: number, most?: number): Graph {
  const g = new Graph('training', 'gpu');
  const indices = g.input('indices', 'int32', dims);
  const rows = g.input('rows', 'float32', [...dims, WIDTH]);
  g.output('gradient', tableGradient(g, { kind: 'rows', indices, rows, count }, most));
  return g;
}

it.each([
  { most: 1, parts: 14 },
  { most: 15, parts: 5 },
  { most: 35, parts: 2 },
  { most: undefined, parts: 1 },
])('adds up what each row is owed, $most zeros and ones at a time', async ({ most, parts }) => {
  const indices = Int32Array.of(0, 3, 3, 1, 4, 0, 2, 3, 3, 4, 1, 1, 0, 4);
  const values = Float32Array.from({ length: WIDTH * indices.length }, (_, i) => i + 1);
  const wanted = new Float32Array(WIDTH * 5);
  for (const [i, row] of indices.entries())
    for (let j = 0; j < WIDTH; j++) wanted[WIDTH * row + j] += values[WIDTH * i + j];
  const graph = graphOf([2, 7], 5, most);
  expect(graph.nodes.filter(({ op }) => op === 'Gemm')).toHaveLength(parts);
  const session = await ort.InferenceSession.create(toModel(graph), { intraOpNumThreads: 1 });
  const { gradient } = await session.run({
    indices: new ort.Tensor('int32', indices, [2, 7]),
    rows: floats(values, [2, 7, WIDTH]),
  });
  expect(gradient.data).toEqual(wanted);
  await session.release();
});

// CLIP's own texts, in batches of which no power of two is a divisor.
it.each([50, 125])('keeps to what a GPU binds with a batch of %d', (batch) => {
  const compared = graphOf([batch, 77], 49_408).nodes.filter(({ op }) => op === 'Equal');
  const places = compared.map(({ outputs: [{ shape }] }) => shape[0]);
  for (const { outputs } of compared)
    expect(sizeOf(outputs[0].shape)).toBeLessThanOrEqual(MOST_ZEROS_AND_ONES);
  expect(places.reduce<number>((sum, count) => sum + Number(count), 0)).toBe(batch * 77);
  expect(compared.length).toBe(Math.ceil((batch * 77 * 49_408) / MOST_ZEROS_AND_ONES));
});

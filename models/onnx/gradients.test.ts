// Every gradient rule against finite differences: the graph runs in ONNX Runtime, its loss is a fixed random weighting of the
// operator's result, and each gradient is compared with the loss's change along a random direction.

import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { randomStream } from '../data/random.ts';
import { outputLoss } from './fixtures/training-graphs.ts';
import { gradientRules } from './gradient-rules.ts';
import { gradients } from './gradients.ts';
import { Graph, type Target, type Value } from './graph.ts';
import { toModel } from './model-proto.ts';
import * as op from './operators.ts';
import { knownLengths, sizeOf } from './shapes.ts';

type Shape = readonly number[];

interface Case {
  readonly name: string;
  /** The operators whose rules this exercises. */
  readonly ops: readonly string[];
  readonly shapes: readonly Shape[];
  readonly build: (g: Graph, ...parameters: Value[]) => Value;
  /** Moves parameters to where the operator is smooth. */
  readonly shift?: number;
}

const cases: Case[] = [
  {
    name: 'add with broadcasting on both sides',
    ops: ['Add'],
    shapes: [
      [2, 1, 4],
      [3, 1],
    ],
    build: op.add,
  },
  { name: 'a bias', ops: ['Add'], shapes: [[2, 3, 4], [4]], build: op.add },
  {
    name: 'a linear layer over many rows',
    ops: ['MatMul', 'Add'],
    shapes: [[2048, 3], [3, 5], [5]],
    build: (g, x, weight, bias) => op.add(g, op.matMul(g, x, weight), bias),
  },
  { name: 'a scalar', ops: ['Mul'], shapes: [[2, 3], []], build: op.mul },
  {
    name: 'sub',
    ops: ['Sub'],
    shapes: [
      [2, 3],
      [1, 3],
    ],
    build: op.sub,
  },
  {
    name: 'mul',
    ops: ['Mul'],
    shapes: [
      [2, 3, 2],
      [3, 1],
    ],
    build: op.mul,
  },
  {
    name: 'a value used twice',
    ops: ['Mul', 'Add'],
    shapes: [[5]],
    build: (g, x) => op.add(g, op.mul(g, x, x), x),
  },
  { name: 'div', ops: ['Div'], shapes: [[2, 3], [3]], build: op.div, shift: 2 },
  { name: 'neg', ops: ['Neg'], shapes: [[4]], build: op.neg },
  { name: 'exp', ops: ['Exp'], shapes: [[4]], build: op.exp },
  { name: 'sqrt', ops: ['Sqrt'], shapes: [[4]], build: op.sqrt, shift: 2 },
  { name: 'sigmoid', ops: ['Sigmoid'], shapes: [[4]], build: op.sigmoid },
  { name: 'erf', ops: ['Erf'], shapes: [[6]], build: op.erf },
  { name: 'relu', ops: ['Relu'], shapes: [[6]], build: op.relu, shift: 0.1 },
  { name: 'softmax', ops: ['Softmax'], shapes: [[3, 5]], build: (g, x) => op.softmax(g, x) },
  {
    name: 'softmax over the first axis',
    ops: ['Softmax'],
    shapes: [[3, 5]],
    build: (g, x) => op.softmax(g, x, 0),
  },
  { name: 'log-softmax', ops: ['LogSoftmax'], shapes: [[3, 5]], build: (g, x) => op.logSoftmax(g, x) },
  {
    name: 'log-softmax over the first axis',
    ops: ['LogSoftmax'],
    shapes: [[3, 5]],
    build: (g, x) => op.logSoftmax(g, x, 0),
  },
  {
    name: 'matmul with a matrix',
    ops: ['MatMul'],
    shapes: [
      [2, 3, 4],
      [4, 5],
    ],
    build: op.matMul,
  },
  {
    name: 'matmul of two stacks',
    ops: ['MatMul'],
    shapes: [
      [2, 1, 3, 4],
      [3, 4, 2],
    ],
    build: op.matMul,
  },
  ...([0, 1] as const).flatMap((transA) =>
    ([0, 1] as const).map(
      (transB): Case => ({
        name: `matmul of two stacks, ${transA ? 'the first transposed' : 'the first as it is'}, ${transB ? 'the second transposed' : 'the second as it is'}`,
        ops: ['FusedMatMul'],
        shapes: [transA ? [2, 4, 3] : [2, 3, 4], transB ? [2, 5, 4] : [2, 4, 5]],
        build: (g, a, b) => op.fusedMatMul(g, a, b, { transA, transB, alpha: 0.7 }),
      }),
    ),
  ),
  { name: 'silu', ops: ['QuickGelu'], shapes: [[3, 4]], build: op.silu },
  {
    name: 'matmul of a stack with a matrix, times a number',
    ops: ['FusedMatMul'],
    shapes: [
      [2, 3, 4],
      [4, 5],
    ],
    build: (g, a, b) => op.fusedMatMul(g, a, b, { alpha: 0.7 }),
  },
  { name: 'reshape', ops: ['Reshape'], shapes: [[2, 6]], build: (g, x) => op.reshape(g, x, [3, 4]) },
  {
    name: 'transpose',
    ops: ['Transpose'],
    shapes: [[2, 3, 4]],
    build: (g, x) => op.transpose(g, x, [2, 0, 1]),
  },
  {
    name: 'concat',
    ops: ['Concat'],
    shapes: [
      [2, 3],
      [2, 2],
    ],
    build: (g, a, b) => op.concat(g, [a, b], 1),
  },
  {
    name: 'reduce sum, axis kept',
    ops: ['ReduceSum'],
    shapes: [[2, 3, 4]],
    build: (g, x) => op.reduceSum(g, x, [1]),
  },
  {
    name: 'reduce sum, axes dropped',
    ops: ['ReduceSum'],
    shapes: [[2, 3, 4]],
    build: (g, x) => op.reduceSum(g, x, [0, -1], false),
  },
  {
    name: 'reduce mean',
    ops: ['ReduceMean'],
    shapes: [[2, 3, 4]],
    build: (g, x) => op.reduceMean(g, x, [-1], false),
  },
  { name: 'pad', ops: ['Pad'], shapes: [[2, 3]], build: (g, x) => op.pad(g, x, [1, 0], [0, 2]) },
  {
    name: 'slice',
    ops: ['Slice'],
    shapes: [[4, 5]],
    build: (g, x) => op.slice(g, x, [{ axis: 1, start: 1, end: 4 }]),
  },
  {
    name: 'layer normalisation',
    ops: ['LayerNormalization'],
    shapes: [[2, 3, 6], [6], [6]],
    build: (g, x, gain, bias) => op.layerNormalization(g, x, gain, bias, 1e-5),
  },
  ...[
    { kernel: 3, stride: 1, padding: 1, size: 5 },
    { kernel: 3, stride: 2, padding: 1, size: 6 },
    { kernel: 3, stride: 2, padding: 1, size: 7 },
    { kernel: 1, stride: 1, padding: 0, size: 4 },
    { kernel: 2, stride: 2, padding: 0, size: 4 },
    { kernel: 5, stride: 3, padding: 2, size: 11 },
  ].map(
    ({ kernel, stride, padding, size }): Case => ({
      name: `convolution ${kernel}×${kernel}, stride ${stride}, padding ${padding}, ${size} px`,
      ops: ['Conv'],
      shapes: [
        [2, 3, size, size],
        [4, 3, kernel, kernel],
      ],
      build: (g, x, weight) => op.conv(g, x, weight, { stride, padding }),
    }),
  ),
  {
    name: 'average pool',
    ops: ['AveragePool'],
    shapes: [[2, 3, 4, 6]],
    build: (g, x) => op.averagePool(g, x, 2),
  },
  {
    name: 'batch normalisation by its own statistics',
    ops: ['BatchNormalization'],
    shapes: [[4, 3, 2, 5], [3], [3]],
    build: (g, x, gain, bias) => {
      const mean = op.reduceMean(g, x, [0, 2, 3], false);
      const centred = op.sub(g, x, op.reshape(g, mean, [1, 3, 1, 1]));
      const variance = op.reduceMean(g, op.mul(g, centred, centred), [0, 2, 3], false);
      return op.batchNormalization(g, x, { gain, bias, mean, variance }, 1e-5);
    },
  },
  { name: 'softplus', ops: ['Softplus'], shapes: [[7]], build: op.softplus },
  {
    name: 'identity',
    ops: ['Identity'],
    shapes: [[3]],
    build: (g, x) => g.add('Identity', [x], [x]).outputs[0],
  },
];

/** A scalar loss over a case's result, its gradients, and a session that computes both from parameter values. */
async function prepare({ shapes, build }: Pick<Case, 'shapes' | 'build'>, target: Target) {
  const g = new Graph('training', target);
  const parameters = shapes.map((shape, i) => g.parameter(`p${i}`, shape, { kind: 'constant', value: 0 }));
  const result = build(g, ...parameters);
  const random = randomStream('weighting', result.shape.join());
  const weighting = g.floats(
    Array.from({ length: sizeOf(result.shape) }, () => random() - 0.5),
    knownLengths(result.shape),
  );
  const axes = result.shape.map((_, axis) => axis);
  const weighted = op.mul(g, result, weighting);
  const loss = axes.length > 0 ? op.reduceSum(g, weighted, axes, false) : weighted;
  outputLoss(g, loss);
  const session = await ort.InferenceSession.create(toModel(g), { intraOpNumThreads: 1 });
  return (values: readonly Float32Array[]) =>
    session.run(
      Object.fromEntries(values.map((data, i) => [`p${i}`, new ort.Tensor('float32', data, shapes[i])])),
    );
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, x, i) => sum + x * b[i], 0);

// What suits a GPU's kernels is computed by the CPU's here: the rules write it otherwise.
describe.each(['cpu', 'gpu'] as const)('gradients equal finite differences, for a %s', (target) => {
  it.each(cases)('$name', async (test) => {
    const run = await prepare(test, target);
    const random = randomStream('values', test.name);
    const draw = (shape: Shape, shift = 0) =>
      Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1 + shift);
    const values = test.shapes.map((shape) => draw(shape, test.shift));
    const outputs = await run(values);
    for (const [i, shape] of test.shapes.entries()) {
      const direction = draw(shape);
      const step = 1e-2;
      const moved = (sign: number) =>
        values.map((value, j) => (j === i ? value.map((x, k) => x + sign * step * direction[k]) : value));
      const [after, before] = [await run(moved(1)), await run(moved(-1))];
      const expected =
        ((after.loss.data as Float32Array)[0] - (before.loss.data as Float32Array)[0]) / (2 * step);
      const actual = dot(outputs[`gradient:p${i}`].data as Float32Array, direction);
      expect(Math.abs(actual - expected)).toBeLessThan(1e-3 * Math.abs(expected) + 3e-4);
      expect(Math.abs(actual)).toBeGreaterThan(1e-4);
    }
  });

  it('covers every rule', () => {
    const tried = new Set(cases.flatMap(({ ops }) => ops));
    expect(Object.keys(gradientRules).filter((name) => !tried.has(name))).toEqual([]);
  });
});

describe('gradients', () => {
  it('gives the rows of a looked-up table in order, with repetitions', async () => {
    const g = new Graph();
    const table = g.parameter('table', [4, 2], { kind: 'constant', value: 0 });
    const indices = g.input('indices', 'int64', [3]);
    const loss = op.reduceSum(
      g,
      op.mul(g, op.gather(g, table, indices), g.floats([1, 2, 3, 4, 5, 6], [3, 2])),
      [0, 1],
      false,
    );
    const gradient = gradients(g, loss).get('table');
    if (gradient?.kind !== 'rows') throw new Error('expected rows');
    expect(gradient.indices.name).toBe('indices');
    g.output('rows', gradient.rows);
    const session = await ort.InferenceSession.create(toModel(g));
    const { rows } = await session.run({
      table: new ort.Tensor('float32', new Float32Array(8), [4, 2]),
      indices: new ort.Tensor('int64', [1n, 3n, 1n], [3]),
    });
    expect(Array.from(rows.data as Float32Array)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('refuses a loss that is no scalar, and one that no parameter moves', () => {
    const g = new Graph();
    const x = g.parameter('x', [2], { kind: 'constant', value: 0 });
    expect(() => gradients(g, x)).toThrow(/scalar/);
    expect(() => gradients(g, g.scalar(1))).toThrow(/does not depend/);
  });

  it('refuses a mean over an axis of unknown length, and takes one beside it', () => {
    const mean = (axis: number) => {
      const g = new Graph();
      const x = op.mul(
        g,
        g.input('x', 'float32', ['batch', 3]),
        g.parameter('p', [3], { kind: 'constant', value: 1 }),
      );
      const other = op.reduceSum(g, op.reduceMean(g, x, [axis], false), [0], false);
      return () => gradients(g, other);
    };
    expect(mean(0)).toThrow('The shape [batch] has a symbolic axis');
    expect(mean(1)).not.toThrow();
  });

  it('names an operator that has no rule', () => {
    const g = new Graph();
    const x = g.parameter('x', [], { kind: 'constant', value: 0 });
    const y = g.add('Tan', [x], [x]).outputs[0];
    expect(() => gradients(g, y)).toThrow('The operator Tan has no gradient rule.');
  });

  it('refuses a cut at a length that only the running graph knows', () => {
    const g = new Graph();
    const x = g.parameter('x', [5], { kind: 'constant', value: 1 });
    const length = op.lengthOf(g, g.input('y', 'float32', ['n']), 0);
    const loss = op.reduceSum(g, op.sliceTo(g, x, 0, length, 'n'), [0], false);
    expect(() => gradients(g, loss)).toThrow('Slice to a length known at run time');
  });
});

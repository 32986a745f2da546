// Muon (Jordan 2024, "Muon: an optimizer for hidden layers in neural networks"): the momentum of a matrix's gradient, made nearly
// orthogonal by Newton and Schulz's iteration, so that every direction of the matrix learns at the same pace. The rate is scaled so
// that an update is as large as AdamW's would be (Liu et al. 2025, "Muon is scalable for LLM training", section 2.2), whose rates and
// decay then fit; the arithmetic is torch.optim.Muon's with adjust_lr_fn="match_rms_adamw". Only for hidden layers: embeddings,
// projections into the common space, convolutions, gains and biases are AdamW's.

import * as ort from 'onnxruntime-node';
import { groupBy } from '../clip/group-by.ts';
import { weightsOf } from '../networks/weights.ts';
import { Graph, type Parameter, type Value } from '../onnx/graph.ts';
import { toModel } from '../onnx/model-proto.ts';
import { add, div, matMul, mul, reduceSum, sqrt, transposeLast } from '../onnx/operators.ts';
import { lengthAt } from '../onnx/shapes.ts';
import { floats, sessionOptions } from './graph-session.ts';

export const MUON = {
  momentum: 0.95,
  /** a, b and c of the iteration x ← ax + b(xxᵀ)x + c(xxᵀ)²x. */
  coefficients: [3.4445, -4.775, 2.0315],
  iterations: 5,
  epsilon: 1e-7,
} as const;

/** Of an update's elements, which AdamW's have about 0.2 of. */
const ROOT_MEAN_SQUARE = 0.2;

/** What the learning rate is multiplied by for a matrix of this shape. */
export function rateFactor([rows, columns]: readonly number[]): number {
  return ROOT_MEAN_SQUARE * Math.sqrt(Math.max(rows, columns));
}

/** Matrices of one shape [n, rows, columns], each scaled so that its singular values come to lie near 1. */
export function orthogonalise(g: Graph, matrices: Value): Value {
  const tall = lengthAt(matrices.shape, 1) > lengthAt(matrices.shape, 2);
  const [a, b, c] = MUON.coefficients.map((coefficient) => g.scalar(coefficient));
  const start = tall ? transposeLast(g, matrices) : matrices;
  // Rows first: a GPU gives each sum to one workgroup.
  const squares = reduceSum(g, reduceSum(g, mul(g, start, start), [2]), [1]);
  let x = div(g, start, add(g, sqrt(g, squares), g.scalar(MUON.epsilon)));
  for (let i = 0; i < MUON.iterations; i++) {
    const square = matMul(g, x, transposeLast(g, x));
    const polynomial = add(g, mul(g, square, b), mul(g, matMul(g, square, square), c));
    x = add(g, mul(g, x, a), matMul(g, polynomial, x));
  }
  return tall ? transposeLast(g, x) : x;
}

/** Parameters of equal shapes, in their order. */
export function byShape(parameters: readonly Parameter[]): Map<string, Parameter[]> {
  return groupBy(parameters, ({ shape }) => [shape.join(' × ')]);
}

interface MuonRate {
  readonly rate: number;
  /** Multiplies the gradient (clipping). */
  readonly scale: number;
  readonly weightDecay: number;
}

/** The optimiser on the CPU: one graph for all its matrices, run between two steps. */
export class Muon {
  readonly #groups: ReadonlyMap<string, readonly Parameter[]>;
  readonly #session: ort.InferenceSession;

  private constructor(groups: ReadonlyMap<string, readonly Parameter[]>, session: ort.InferenceSession) {
    this.#groups = groups;
    this.#session = session;
  }

  static async create(parameters: readonly Parameter[], threads: number): Promise<Muon> {
    const groups = byShape(parameters);
    const g = new Graph();
    for (const [shape, members] of groups) {
      const dims = [members.length, ...members[0].shape];
      g.output(shape, orthogonalise(g, g.input(`momentum ${shape}`, 'float32', dims)));
    }
    return new Muon(groups, await ort.InferenceSession.create(toModel(g), sessionOptions(threads)));
  }

  /** Updates `weights` and their momentum `m` in place. */
  async step(
    weights: ReadonlyMap<string, Float32Array>,
    gradients: ReadonlyMap<string, Float32Array>,
    moments: ReadonlyMap<string, { readonly m: Float32Array }>,
    { rate, scale, weightDecay }: MuonRate,
  ): Promise<void> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [shape, members] of this.#groups) {
      const [rows, columns] = members[0].shape;
      const size = rows * columns;
      const ahead = new Float32Array(members.length * size);
      for (const [k, { name }] of members.entries()) {
        const gradient = weightsOf(gradients, name);
        const { m } = weightsOf(moments, name);
        for (let i = 0; i < size; i++) {
          const clipped = gradient[i] * scale;
          m[i] = m[i] * MUON.momentum + clipped;
          ahead[k * size + i] = clipped + m[i] * MUON.momentum;
        }
      }
      feeds[`momentum ${shape}`] = floats(ahead, [members.length, rows, columns]);
    }
    const outputs = await this.#session.run(feeds);
    const keep = 1 - rate * weightDecay;
    for (const [shape, members] of this.#groups) {
      const updates = outputs[shape].data as Float32Array;
      const size = updates.length / members.length;
      const stepSize = rate * rateFactor(members[0].shape);
      for (const [k, { name }] of members.entries()) {
        const values = weightsOf(weights, name);
        for (let i = 0; i < size; i++) values[i] = values[i] * keep - stepSize * updates[k * size + i];
      }
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

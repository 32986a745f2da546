// A graph of a training step, opened: weights go in as ordinary inputs, which ONNX Runtime reads in place, so the optimiser
// updates the same arrays between two runs; gradients come out beside the graph's other results.

import * as ort from 'onnxruntime-node';
import { isHiddenMatrix } from '../networks/layers.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import { blockConvolutions } from '../onnx/blocked-convolutions.ts';
import { type Gradient, gradients } from '../onnx/gradients.ts';
import type { Graph, Parameter, Value } from '../onnx/graph.ts';
import { multiplyInInt8 } from '../onnx/int8-products.ts';
import { toModel } from '../onnx/model-proto.ts';
import { sizeOf } from '../onnx/shapes.ts';
import { channelBlock } from './channel-block.ts';

export type Tensors = Readonly<Record<string, ort.Tensor>>;

/** How the products with the hidden layers' weights are computed: see int8-products.ts. */
export type Precision = 'fp32' | 'int8';

export interface SessionKind {
  readonly threads: number;
  readonly precision: Precision;
}

/** What every session of training is opened with. */
export const sessionOptions = (threads: number): ort.InferenceSession.SessionOptions => ({
  intraOpNumThreads: threads,
  // Half the memory at the same speed.
  enableMemPattern: false,
  // Between two nodes a thread waits awake for so many microseconds; any longer would take the core from others on this machine.
  extra: { session: { intra_op: { spin_duration_us: '100' } } },
});

export const floats = (data: Float32Array, dims: readonly number[]): ort.Tensor =>
  new ort.Tensor('float32', data, dims);

/** Gradients by parameter, added up over runs where there are several. */
export type Gradients = Map<string, Float32Array>;

export class GraphSession {
  readonly parameters: readonly Parameter[];
  readonly #session: ort.InferenceSession;
  readonly #gradients: ReadonlyMap<string, Gradient>;
  readonly #updates: readonly string[];

  private constructor(graph: Graph, session: ort.InferenceSession, found: ReadonlyMap<string, Gradient>) {
    this.parameters = [...graph.parameters.values()];
    this.#session = session;
    this.#gradients = found;
    this.#updates = [...graph.updates.keys()];
  }

  /** Adds the gradients of `loss` to the graph, where one is given, and opens it. */
  static async create(
    graph: Graph,
    { threads, precision }: SessionKind,
    loss?: Value,
  ): Promise<GraphSession> {
    const found = loss ? gradients(graph, loss) : new Map<string, Gradient>();
    for (const [name, gradient] of found) {
      graph.output(`gradient:${name}`, gradient.kind === 'dense' ? gradient.value : gradient.rows);
    }
    // What a graph without a loss would do to buffers is of no use: another graph runs the same layers with one.
    if (!loss) graph.updates.clear();
    for (const [name, value] of graph.updates) graph.output(`update:${name}`, value);
    blockConvolutions(graph, await channelBlock());
    if (precision === 'int8') multiplyInInt8(graph, isHiddenMatrix);
    const session = await ort.InferenceSession.create(toModel(graph), sessionOptions(threads));
    return new GraphSession(graph, session, found);
  }

  async run(weights: Weights, inputs: Tensors): Promise<Tensors> {
    const feeds: Record<string, ort.Tensor> = { ...inputs };
    for (const { name, shape } of this.parameters) {
      feeds[name] ??= floats(weightsOf(weights, name), shape);
    }
    return this.#session.run(feeds);
  }

  /**
   * Adds a run's gradients to `sums`. Those of looked-up rows are added up here, in order, so that equal seeds give equal sums.
   * @param inputs of that run, which say what rows of a table were looked up
   */
  addGradients(outputs: Tensors, sums: Gradients, inputs: Tensors): void {
    for (const { name, shape } of this.parameters) {
      const gradient = this.#gradients.get(name);
      if (!gradient) continue;
      const values = outputs[`gradient:${name}`].data as Float32Array;
      const sum = sums.get(name);
      if (gradient.kind === 'rows') {
        const table = sum ?? new Float32Array(sizeOf(shape));
        addRows(table, inputs[gradient.indices.name].data as BigInt64Array, values);
        sums.set(name, table);
      } else if (sum) for (let i = 0; i < sum.length; i++) sum[i] += values[i];
      else sums.set(name, values);
    }
  }

  /** What the buffers are to become. */
  updates(outputs: Tensors): Map<string, Float32Array> {
    return new Map(
      this.#updates.map((name) => [name, outputs[`update:${name}`].data as Float32Array] as const),
    );
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function addRows(table: Float32Array, indices: BigInt64Array, rows: Float32Array): void {
  const width = rows.length / indices.length;
  for (let i = 0; i < indices.length; i++) {
    const start = Number(indices[i]) * width;
    for (let j = 0; j < width; j++) table[start + j] += rows[i * width + j];
  }
}

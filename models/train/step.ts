// One training step as one ONNX graph: both towers forward, the loss, and the gradient of every parameter as an output. The
// weights are ordinary inputs, which ONNX Runtime reads in place, so the optimiser updates the same arrays between two runs.

import * as ort from 'onnxruntime-node';
import type { ClipConfig } from '../clip/config.ts';
import type { EncodingBatch } from '../clip/types.ts';
import { clip, inputIdsInput, pixelValuesInput } from '../networks/clip.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import { type Gradient, gradients } from '../onnx/gradients.ts';
import { Graph, type Parameter } from '../onnx/graph.ts';
import { toModel } from '../onnx/model-proto.ts';
import { sizeOf } from '../onnx/shapes.ts';
import { contrastiveLoss, ownTargets } from './contrastive-loss.ts';
import { patchCount } from './patch-dropout.ts';

export interface StepInputs {
  /** [batch, 3, size, size] */
  readonly pixel_values: Float32Array<ArrayBuffer>;
  readonly captions: EncodingBatch;
  /** [batch, batch], from `negativesMask`. */
  readonly mask: Float32Array<ArrayBuffer>;
  /** [batch, kept patches + 1, patches + 1], from `keptPatches`; only for a step that leaves patches out. */
  readonly kept?: Float32Array<ArrayBuffer>;
}

export interface StepResult {
  readonly loss: number;
  /** One gradient a parameter, in the graph's layout. Valid until the next run. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

export interface StepShape {
  readonly batchSize: number;
  /** Patches of each picture that the vision transformer sees. */
  readonly patches: number;
}

/** The step's graph: forward half, loss (output `loss`) and gradients (outputs `gradient:<parameter>`). */
function stepGraph(
  config: ClipConfig,
  { batchSize, patches }: StepShape,
): { graph: Graph; gradients: Map<string, Gradient> } {
  const g = new Graph();
  const all = patchCount(config);
  const kept = patches < all ? g.input('kept', 'float32', [batchSize, patches + 1, all + 1]) : undefined;
  const outputs = clip(g, config, pixelValuesInput(g, config, batchSize), inputIdsInput(g, batchSize), kept);
  const mask = g.input('mask', 'float32', [batchSize, batchSize]);
  const targets = g.input('targets', 'float32', [batchSize, batchSize]);
  const loss = contrastiveLoss(g, outputs.logits_per_image, mask, targets);
  const found = gradients(g, loss);
  g.output('loss', loss);
  for (const [name, gradient] of found) {
    g.output(`gradient:${name}`, gradient.kind === 'dense' ? gradient.value : gradient.rows);
  }
  return { graph: g, gradients: found };
}

export class TrainingStep {
  readonly parameters: readonly Parameter[];
  readonly shape: StepShape;
  readonly #config: ClipConfig;
  readonly #session: ort.InferenceSession;
  readonly #gradients: ReadonlyMap<string, Gradient>;
  readonly #targets: ort.Tensor;
  /** Gradients of tables, summed over repeated rows. */
  readonly #tables = new Map<string, Float32Array>();

  private constructor(
    config: ClipConfig,
    shape: StepShape,
    session: ort.InferenceSession,
    parameters: readonly Parameter[],
    found: ReadonlyMap<string, Gradient>,
  ) {
    this.#config = config;
    this.shape = shape;
    this.#session = session;
    this.parameters = parameters;
    this.#gradients = found;
    this.#targets = new ort.Tensor('float32', ownTargets(shape.batchSize), [
      shape.batchSize,
      shape.batchSize,
    ]);
    for (const parameter of parameters) {
      if (found.get(parameter.name)?.kind === 'rows') {
        this.#tables.set(parameter.name, new Float32Array(sizeOf(parameter.shape)));
      }
    }
  }

  static async create(config: ClipConfig, shape: StepShape, threads: number): Promise<TrainingStep> {
    const { graph, gradients: found } = stepGraph(config, shape);
    const session = await ort.InferenceSession.create(toModel(graph), {
      intraOpNumThreads: threads,
      // Half the memory at the same speed, and no spinning on a machine that others use too.
      enableMemPattern: false,
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    return new TrainingStep(config, shape, session, [...graph.parameters.values()], found);
  }

  async run(weights: Weights, { pixel_values, captions, mask, kept }: StepInputs): Promise<StepResult> {
    const size = this.#config.vision_config.image_size;
    const { batchSize: batch, patches } = this.shape;
    const feeds: Record<string, ort.Tensor> = {
      pixel_values: new ort.Tensor('float32', pixel_values, [batch, 3, size, size]),
      input_ids: new ort.Tensor('int64', captions.input_ids, captions.dims),
      mask: new ort.Tensor('float32', mask, [batch, batch]),
      targets: this.#targets,
    };
    if (kept)
      feeds.kept = new ort.Tensor('float32', kept, [batch, patches + 1, patchCount(this.#config) + 1]);
    for (const { name, shape } of this.parameters) {
      feeds[name] = new ort.Tensor('float32', weightsOf(weights, name), shape.map(Number));
    }
    const outputs = await this.#session.run(feeds);
    const found = new Map<string, Float32Array>();
    for (const [name, { kind }] of this.#gradients) {
      const values = outputs[`gradient:${name}`].data as Float32Array;
      found.set(name, kind === 'rows' ? this.#sumRows(name, captions.input_ids, values) : values);
    }
    return { loss: (outputs.loss.data as Float32Array)[0], gradients: found };
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  /** Adds the gradients of looked-up rows up, in order, so that equal seeds give equal sums. */
  #sumRows(name: string, indices: BigInt64Array, rows: Float32Array): Float32Array {
    const table = weightsOf(this.#tables, name).fill(0);
    const width = rows.length / indices.length;
    for (let i = 0; i < indices.length; i++) {
      const start = Number(indices[i]) * width;
      for (let j = 0; j < width; j++) table[start + j] += rows[i * width + j];
    }
    return table;
  }
}

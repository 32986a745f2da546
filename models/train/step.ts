// One training step: both towers forward, the loss, and the gradient of every parameter. As a rule it is one graph. Where a batch
// is larger than memory it comes in parts: their embeddings are computed and kept, the loss of the whole batch gives the
// gradient of each embedding, and each part is run again to carry that gradient back (Gao et al. 2021, "Scaling deep contrastive
// learning batch size under memory limited setup"; open_clip's --accum-freq). That is exact, but for batch norms, which see a
// part at a time. Pairs of texts beside the pictures are few and short: what they add to the loss is one graph, run once a step.

import type * as ort from 'onnxruntime-node';
import type { ClipConfig } from '../clip/config.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import { Graph, type Parameter, type Value } from '../onnx/graph.ts';
import { add, mul, reduceSum } from '../onnx/operators.ts';
import { floats, type Gradients, GraphSession, type SessionKind } from './graph-session.ts';
import {
  addLoss,
  addTextLoss,
  isOfModel,
  lossFeeds,
  type StepInputs,
  type StepShape,
  type StepShapeWithTexts,
  textLossFeeds,
  towerFeeds,
  towers,
} from './step-graph.ts';

export interface StepResult {
  readonly loss: number;
  /** One gradient a trainable parameter, in the graph's layout. Valid until the next run. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** What the buffers become. */
  readonly updates: ReadonlyMap<string, Float32Array>;
}

export interface Step {
  readonly shape: StepShape;
  readonly parameters: readonly Parameter[];
  run(weights: Weights, inputs: StepInputs): Promise<StepResult>;
  release(): Promise<void>;
}

export async function createStep(config: ClipConfig, shape: StepShape, kind: SessionKind): Promise<Step> {
  return shape.accumulate === 1
    ? createWholeStep(config, shape, kind)
    : createAccumulatedStep(config, shape, kind);
}

async function createWholeStep(config: ClipConfig, shape: StepShape, kind: SessionKind): Promise<Step> {
  const g = new Graph('training');
  const loss = addLoss(g, config, shape, towers(g, config, shape.batchSize, shape));
  g.output('loss', loss);
  const session = await GraphSession.create(g, kind, loss);
  return {
    shape,
    parameters: session.parameters,
    async run(weights, inputs) {
      const feeds = towerFeeds(config, shape, inputs, 0, shape.batchSize);
      const outputs = await session.run(weights, { ...feeds, ...lossFeeds(shape, inputs) });
      const sums: Gradients = new Map();
      session.addGradients(outputs, sums, feeds);
      return { loss: scalar(outputs.loss), gradients: sums, updates: session.updates(outputs) };
    },
    release: () => session.release(),
  };
}

async function createAccumulatedStep(config: ClipConfig, shape: StepShape, kind: SessionKind): Promise<Step> {
  const { batchSize, accumulate, textPairs } = shape;
  const pictures = { ...shape, textPairs: undefined };
  const size = batchSize / accumulate;
  const width = config.projection_dim;

  const embedGraph = new Graph('training');
  const embedded = towers(embedGraph, config, size, pictures);
  embedGraph.output('image_embeds', embedded.image_embeds);
  embedGraph.output('text_embeds', embedded.text_embeds);

  // The embeddings stand as parameters here, because their gradients are what is asked for.
  const lossGraph = new Graph('training');
  const start = { kind: 'constant', value: 0 } as const;
  const loss = addLoss(lossGraph, config, pictures, {
    image_embeds: lossGraph.parameter('image_embeds', [batchSize, width], start),
    text_embeds: lossGraph.parameter('text_embeds', [batchSize, width], start),
  });
  lossGraph.output('loss', loss);

  const backGraph = new Graph('training');
  const again = towers(backGraph, config, size, pictures);
  const carried = (embeds: Value, name: string) => {
    const gradient = backGraph.input(name, 'float32', [size, width]);
    return reduceSum(backGraph, mul(backGraph, embeds, gradient), [0, 1], false);
  };
  // Its gradient is the chain rule's: each embedding times what the loss asks of it.
  const inner = add(
    backGraph,
    carried(again.image_embeds, 'image_gradients'),
    carried(again.text_embeds, 'text_gradients'),
  );

  const sessions = new Sessions();
  const embed = await sessions.opened(GraphSession.create(embedGraph, kind));
  const whole = await sessions.opened(GraphSession.create(lossGraph, kind, loss));
  const back = await sessions.opened(GraphSession.create(backGraph, kind, inner));
  const beside = textPairs
    ? await sessions.opened(createTextStep(config, { ...shape, textPairs }, kind))
    : null;
  const temperature = whole.parameters.filter(({ name }) => name.startsWith('logit_'));
  const besides = beside?.parameters.filter((parameter) => !isOfModel(parameter)) ?? [];

  return {
    shape,
    parameters: [...back.parameters, ...temperature, ...besides],
    async run(weights, inputs) {
      const image_embeds = new Float32Array(batchSize * width);
      const text_embeds = new Float32Array(batchSize * width);
      for (let from = 0; from < batchSize; from += size) {
        const outputs = await embed.run(weights, towerFeeds(config, pictures, inputs, from, size));
        image_embeds.set(outputs.image_embeds.data as Float32Array, from * width);
        text_embeds.set(outputs.text_embeds.data as Float32Array, from * width);
      }
      const lost = {
        ...lossFeeds(pictures, inputs),
        image_embeds: floats(image_embeds, [batchSize, width]),
        text_embeds: floats(text_embeds, [batchSize, width]),
      };
      const asked = await whole.run(weights, lost);
      const sums: Gradients = new Map();
      whole.addGradients(asked, sums, lost);
      const imageGradients = weightsOf(sums, 'image_embeds');
      const textGradients = weightsOf(sums, 'text_embeds');
      sums.delete('image_embeds');
      sums.delete('text_embeds');

      let updates: ReadonlyMap<string, Float32Array> = new Map();
      for (let from = 0; from < batchSize; from += size) {
        const feeds = towerFeeds(config, pictures, inputs, from, size);
        const rows = (data: Float32Array) =>
          floats(data.subarray(from * width, (from + size) * width), [size, width]);
        const outputs = await back.run(withUpdates(weights, updates), {
          ...feeds,
          image_gradients: rows(imageGradients),
          text_gradients: rows(textGradients),
        });
        back.addGradients(outputs, sums, feeds);
        updates = back.updates(outputs);
      }
      const textLoss = (await beside?.run(weights, inputs, sums)) ?? 0;
      return { loss: scalar(asked.loss) + textLoss, gradients: sums, updates };
    },
    release: () => sessions.release(),
  };
}

/** What a step has open, released together: at its end, or where the next does not open. */
class Sessions {
  readonly #open: Pick<Step, 'release'>[] = [];

  async opened<Session extends Pick<Step, 'release'>>(opening: Promise<Session>): Promise<Session> {
    try {
      const session = await opening;
      this.#open.push(session);
      return session;
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  async release(): Promise<void> {
    for (const session of this.#open.splice(0)) await session.release();
  }
}

interface TextStep extends Pick<Step, 'parameters' | 'release'> {
  /** Resolves to what the pairs of texts add to the loss; adds their gradients to `sums`. */
  run(weights: Weights, inputs: StepInputs, sums: Gradients): Promise<number>;
}

async function createTextStep(
  config: ClipConfig,
  shape: StepShapeWithTexts,
  kind: SessionKind,
): Promise<TextStep> {
  const g = new Graph('training');
  const loss = addTextLoss(g, config, shape);
  g.output('loss', loss);
  const session = await GraphSession.create(g, kind, loss);
  return {
    parameters: session.parameters,
    async run(weights, inputs, sums) {
      const feeds = textLossFeeds(config, shape, inputs);
      const outputs = await session.run(weights, feeds);
      session.addGradients(outputs, sums, feeds);
      return scalar(outputs.loss);
    },
    release: () => session.release(),
  };
}

/** Running statistics go on from part to part. */
function withUpdates(weights: Weights, updates: ReadonlyMap<string, Float32Array>): Weights {
  if (updates.size === 0) return weights;
  return new Map([
    ...weights,
    ...Array.from(updates, ([name, data]) => [name, Float32Array.from(data)] as const),
  ]);
}

const scalar = (tensor: ort.Tensor): number => (tensor.data as Float32Array)[0];

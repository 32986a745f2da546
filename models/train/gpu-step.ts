// A whole training step on a GPU in one graph: both towers, the loss, its gradients, clipping and AdamW, from one state to the
// next. Only the batch goes to the GPU and only the loss and two numbers come back; weights and running means stay there.

import type { ClipConfig } from '../clip/config.ts';
import { weightsOf } from '../networks/weights.ts';
import { type Gradient, gradients } from '../onnx/gradients.ts';
import { Graph, type Parameter, type Value } from '../onnx/graph.ts';
import { concat, div, min, mul, reshape, slice } from '../onnx/operators.ts';
import { replaceForWebGpu } from '../onnx/webgpu-operators.ts';
import type { AdamOptions } from './adamw.ts';
import { addAdamW, addGlobalNorm, follow } from './adamw-graph.ts';
import { openOnGpu } from './gpu-session.ts';
import { type GpuState, type Kind, type Vector, vectorsOf } from './gpu-state.ts';
import { floats } from './graph-session.ts';
import { addMuon } from './muon-graph.ts';
import type { OptimizerName } from './optimizer.ts';
import { type Group, groupsOf, packValues, valueAt } from './packed-state.ts';
import { addLoss, lossFeeds, type StepInputs, type StepShape, towerFeeds, towers } from './step-graph.ts';
import { tableGradient } from './table-gradient.ts';

export type GpuStepShape = Omit<StepShape, 'accumulate' | 'rows'>;

export interface GpuStepOptions extends Pick<AdamOptions, 'beta1' | 'beta2' | 'epsilon'> {
  readonly optimizer: OptimizerName;
  readonly gradClipNorm: number;
  /** What logit_scale, a logarithm, is kept at or below. */
  readonly maxLogitScale: number;
  readonly average: boolean;
}

/** What changes from step to step; see adamw-graph.ts. */
export interface GpuSchedule {
  readonly rate: number;
  readonly stepSize: number;
  readonly rootCorrection: number;
  readonly keep: number;
  /** How far the average of the weights moves to the weights. */
  readonly averageShare: number;
}
const SCHEDULE = ['rate', 'stepSize', 'rootCorrection', 'keep', 'averageShare'] as const;

export interface GpuStepResult {
  readonly state: GpuState;
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** Its logarithm, as it is trained. */
  readonly logitScale: number;
}

export interface GpuStep {
  readonly shape: GpuStepShape;
  readonly parameters: readonly Parameter[];
  readonly vectors: readonly Vector[];
  run(state: GpuState, inputs: StepInputs, schedule: GpuSchedule): Promise<GpuStepResult>;
  release(): Promise<void>;
}

const next = (name: string) => `next.${name}`;

export async function createGpuStep(
  config: ClipConfig,
  shape: GpuStepShape,
  options: GpuStepOptions,
): Promise<GpuStep> {
  const { graph, parameters, vectors } = gpuStepGraph(config, shape, options);
  const session = await openOnGpu(
    graph,
    vectors.map(({ name }) => next(name)),
  );
  return {
    shape,
    parameters,
    vectors,
    async run(state, inputs, schedule) {
      const outputs = await session.run({
        ...Object.fromEntries(state),
        ...towerFeeds(config, shape, inputs, 0, shape.batchSize, 'gpu'),
        ...lossFeeds(shape, inputs),
        schedule: floats(
          Float32Array.from(SCHEDULE, (name) => schedule[name]),
          [SCHEDULE.length],
        ),
      });
      const [loss, gradientNorm, logitScale] = outputs.report.data as Float32Array;
      const following = new Map(vectors.map(({ name }) => [name, outputs[next(name)]]));
      return { state: following, loss, gradientNorm, logitScale };
    },
    release: () => session.release(),
  };
}

export interface GpuStepGraph {
  readonly graph: Graph;
  readonly parameters: readonly Parameter[];
  readonly vectors: readonly Vector[];
}

export function gpuStepGraph(config: ClipConfig, shape: GpuStepShape, options: GpuStepOptions): GpuStepGraph {
  const g = new Graph('training', 'gpu');
  const loss = addLoss(g, config, shape, towers(g, config, shape.batchSize, shape));
  const found = gradients(g, loss);
  const parameters = [...g.parameters.values()];
  const groups = groupsOf(parameters, options.optimizer);
  const vectors = vectorsOf(groups, options.average);
  const held = new Map(vectors.map(({ name, group }) => [name, g.input(name, 'float32', [group.size])]));
  const vector = (kind: Kind, { name }: Group) => weightsOf(held, `${kind}.${name}`);

  const trained = groups.filter(({ name }) => name !== 'buffers');
  const packedGradients = new Map(
    trained.map((group) => [group, packValues(g, group, ({ name }) => dense(g, found.get(name), name))]),
  );
  const norm = addGlobalNorm(g, [...packedGradients.values()]);
  // Of a gradient of zero the quotient is infinite, and the smaller of both 1.
  const clip = min(g, g.scalar(1), div(g, g.scalar(options.gradClipNorm), norm));

  const given = g.input('schedule', 'float32', [SCHEDULE.length]);
  const [rate, stepSize, rootCorrection, keep, averageShare] = SCHEDULE.map((_, start) =>
    reshape(g, slice(g, given, [{ axis: 0, start, end: start + 1 }]), []),
  );
  const outputs = new Map<string, Value>();
  for (const [group, gradient] of packedGradients) {
    const clipped = mul(g, gradient, clip);
    if (group.name === 'muon') {
      const state = { weights: vector('weights', group), m: vector('m', group) };
      const stepped = addMuon(g, group, state, clipped, { rate, keep });
      outputs.set('weights.muon', stepped.weights);
      outputs.set('m.muon', stepped.m);
      continue;
    }
    const stepped = addAdamW(
      g,
      { weights: vector('weights', group), m: vector('m', group), v: vector('v', group) },
      clipped,
      options,
      { stepSize, rootCorrection, keep: group.name === 'decayed' ? keep : undefined },
    );
    outputs.set(`weights.${group.name}`, boundLogitScale(g, group, stepped.weights, options.maxLogitScale));
    outputs.set(`m.${group.name}`, stepped.m);
    outputs.set(`v.${group.name}`, stepped.v);
  }
  const buffers = groups.find(({ name }) => name === 'buffers');
  if (buffers) {
    const update = ({ name }: Parameter) => weightsOf(g.updates, name);
    outputs.set('weights.buffers', packValues(g, buffers, update));
  }
  if (options.average) {
    for (const group of groups) {
      const weights = weightsOf(outputs, `weights.${group.name}`);
      outputs.set(`average.${group.name}`, follow(g, vector('average', group), weights, averageShare));
    }
  }
  const logitScale = scaleOf(g, groups, outputs);
  const report = [loss, norm, logitScale].map((value) => reshape(g, value, [1]));
  g.output('report', concat(g, report, 0));
  for (const { name } of vectors) g.output(next(name), weightsOf(outputs, name));

  const places = new Map(
    groups.flatMap((group) => group.places.map((place) => [place.parameter.name, { group, place }] as const)),
  );
  g.computeParameters(({ name }) => {
    const { group, place } = weightsOf(places, name);
    return valueAt(g, vector('weights', group), place);
  });
  replaceForWebGpu(g);
  return { graph: g, parameters, vectors };
}

function dense(g: Graph, gradient: Gradient | undefined, name: string): Value {
  if (!gradient) throw new Error(`The loss has no gradient of ${name}, which is to be trained.`);
  return gradient.kind === 'dense' ? gradient.value : tableGradient(g, gradient);
}

const LOGIT_SCALE = 'logit_scale';

function boundLogitScale(g: Graph, { places, size }: Group, weights: Value, most: number): Value {
  const place = places.find(({ parameter }) => parameter.name === LOGIT_SCALE);
  if (!place) return weights;
  const part = (start: number, end: number) => slice(g, weights, [{ axis: 0, start, end }]);
  const end = place.start + 1;
  const parts = place.start > 0 ? [part(0, place.start)] : [];
  const bounded = min(g, part(place.start, end), g.floats([most]));
  return concat(g, [...parts, bounded, ...(end < size ? [part(end, size)] : [])], 0);
}

function scaleOf(g: Graph, groups: readonly Group[], outputs: ReadonlyMap<string, Value>): Value {
  for (const group of groups) {
    const place = group.places.find(({ parameter }) => parameter.name === LOGIT_SCALE);
    if (place) return valueAt(g, weightsOf(outputs, `weights.${group.name}`), place);
  }
  throw new Error(`No parameter is named ${LOGIT_SCALE}.`);
}

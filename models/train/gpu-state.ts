// A run's state while a GPU holds it: one tensor a vector of packed-state.ts, by the names that the step's graph gives them. A step
// makes a new state of an old one, so that a step that gives no number can be taken back.

import type * as ort from 'onnxruntime-node';
import { Graph } from '../onnx/graph.ts';
import { openOnGpu } from './gpu-session.ts';
import { floats } from './graph-session.ts';
import { type Group, packed, unpack } from './packed-state.ts';
import type { TrainingState } from './trainer.ts';

export type Kind = 'weights' | 'm' | 'v' | 'average';

export interface Vector {
  readonly name: string;
  readonly kind: Kind;
  readonly group: Group;
}

/** Tensors by the vectors' names. */
export type GpuState = ReadonlyMap<string, ort.Tensor>;

/** Buffers have no running means of gradients, Muon's matrices none of their squares. */
export function vectorsOf(groups: readonly Group[], average: boolean): Vector[] {
  return groups.flatMap((group) => {
    const kinds: Kind[] = ['weights'];
    if (group.name !== 'buffers') kinds.push('m');
    if (group.name !== 'buffers' && group.name !== 'muon') kinds.push('v');
    if (average) kinds.push('average');
    return kinds.map((kind) => ({ name: `${kind}.${group.name}`, kind, group }));
  });
}

/** Its tensors lie in memory yet: the first step that reads them takes them to the GPU. */
export function toGpu(vectors: readonly Vector[], state: TrainingState): GpuState {
  return new Map(
    vectors.map(({ name, kind, group }) => [
      name,
      floats(packed(group, tensorsOf(state, kind)), [group.size]),
    ]),
  );
}

/** Writes what the GPU holds into `state`. */
export async function fromGpu(
  vectors: readonly Vector[],
  held: GpuState,
  state: TrainingState,
): Promise<void> {
  // The tensors' own way back to memory, getData, is not there in onnxruntime-node 1.30.
  const graph = new Graph('training', 'gpu');
  for (const { name, group } of vectors) {
    graph.output(`copy.${name}`, graph.input(name, 'float32', [group.size]));
  }
  const session = await openOnGpu(graph);
  try {
    const copies = await session.run(Object.fromEntries(held));
    for (const { name, kind, group } of vectors) {
      unpack(group, copies[`copy.${name}`].data as Float32Array, tensorsOf(state, kind));
    }
  } finally {
    await session.release();
  }
}

export function dispose(held: GpuState): void {
  for (const tensor of held.values()) if (tensor.location !== 'cpu') tensor.dispose();
}

function tensorsOf(
  { weights, moments, average }: TrainingState,
  kind: Kind,
): ReadonlyMap<string, Float32Array<ArrayBuffer>> {
  switch (kind) {
    case 'weights':
      return weights;
    case 'm':
    case 'v':
      return new Map(Array.from(moments, ([name, means]) => [name, means[kind]]));
    case 'average':
      if (!average) throw new Error('The state has no average of the weights to keep on the GPU.');
      return average;
    default:
      throw new Error(`Unknown part of the state ${kind satisfies never}.`);
  }
}

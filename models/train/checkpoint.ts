// Everything that a run needs to go on as if it had never stopped, in one safetensors file that is written beside and renamed:
// weights, the optimiser's running means and the weights' average (in the graph's layout), and as metadata the step, the settings and the best result so far.

import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { checked, parseJson } from '../clip/checked.ts';
import {
  readSafetensors,
  readSafetensorsHeader,
  type Tensor,
  toFloat32,
  writeSafetensors,
} from '../clip/safetensors.ts';
import { writeFileWhole } from '../files/folder.ts';
import { weightsOf } from '../networks/weights.ts';
import type { Parameter } from '../onnx/graph.ts';
import { sizeOf } from '../onnx/shapes.ts';
import { isMuons, type OptimizerName } from './optimizer.ts';
import type { TrainingState } from './trainer.ts';

const Progress = v.object({
  step: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** The settings that decide a run's numbers; a run resumed with others would be another run. */
  settings: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  /** Best held-out accuracy so far and its step; null before the first evaluation. */
  best: v.nullable(v.object({ step: v.number(), accuracy: v.number() })),
  /** The step of the last evaluation; 0 before the first, or -1 where step 0 is evaluated too. */
  evaluated: v.number(),
});
export type Progress = v.InferOutput<typeof Progress>;

type Kind = 'weights' | 'adam.m' | 'adam.v' | 'average';

/** Throws a sentence where a number of the state is none, before anything is written: resuming from it would be no use. */
export async function writeCheckpoint(
  path: string,
  parameters: readonly Parameter[],
  state: TrainingState,
  progress: Progress,
): Promise<void> {
  const tensors = new Map<string, Tensor>();
  for (const { name, shape: dims } of parameters) {
    const shape = dims.map(Number);
    for (const [kind, values] of kept(state, name)) {
      if (!values.every(Number.isFinite)) {
        throw new Error(
          `${path} was not written: after step ${state.step} ${name} or its running means are no longer finite numbers. The checkpoint of before is still there; try a lower --lr, a longer --warmup or a larger --eps.`,
        );
      }
      tensors.set(`${kind}/${name}`, { dtype: 'F32', shape, data: values });
    }
  }
  await writeFileWhole(path, writeSafetensors(tensors, { progress: JSON.stringify(progress) }));
}

/** All that is kept of one parameter. */
function kept(state: TrainingState, name: string): [Kind, Float32Array<ArrayBuffer>][] {
  const all: [Kind, Float32Array<ArrayBuffer>][] = [['weights', weightsOf(state.weights, name)]];
  const moments = state.moments.get(name);
  if (moments) all.push(['adam.m', moments.m]);
  if (moments && moments.v.length > 0) all.push(['adam.v', moments.v]);
  if (state.average) all.push(['average', weightsOf(state.average, name)]);
  return all;
}

/** Throws a sentence where the file is damaged or belongs to another network. */
export async function readCheckpoint(
  path: string,
  parameters: readonly Parameter[],
  optimizer: OptimizerName,
): Promise<{ state: TrainingState; progress: Progress }> {
  const content = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(
      cause.code === 'ENOENT'
        ? `There is no checkpoint ${path} to resume from. Start the run without --resume.`
        : `${path} could not be read: ${cause.message}. Make it readable and resume again.`,
      { cause },
    );
  });
  const bytes = new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  const { metadata } = readSafetensorsHeader(bytes, path);
  const progress = checked(
    Progress,
    parseJson(new TextEncoder().encode(metadata.progress ?? 'nothing'), path),
    path,
  );
  const tensors = readSafetensors(bytes, path);
  const read = (kind: Kind, { name, shape }: Parameter) => {
    const tensor = tensors.get(`${kind}/${name}`);
    if (tensor?.data.length !== sizeOf(shape)) {
      throw new Error(
        `${path} cannot be resumed: it holds ${tensor ? `[${tensor.shape}]` : 'nothing'} for ${kind} of ${name}, the network needs [${shape}]. Resume with the --model and data that the run was started with.`,
      );
    }
    return Float32Array.from(toFloat32(tensor));
  };
  const all = <Value>(of: readonly Parameter[], each: (parameter: Parameter) => Value) =>
    new Map(of.map((parameter) => [parameter.name, each(parameter)]));
  const hasAverage = parameters.some(({ name }) => tensors.has(`average/${name}`));
  const state: TrainingState = {
    step: progress.step,
    weights: all(parameters, (parameter) => read('weights', parameter)),
    moments: all(
      parameters.filter(({ trainable }) => trainable),
      (parameter) => ({
        m: read('adam.m', parameter),
        v: isMuons(parameter, optimizer) ? new Float32Array() : read('adam.v', parameter),
      }),
    ),
    average: hasAverage ? all(parameters, (parameter) => read('average', parameter)) : null,
  };
  return { state, progress };
}

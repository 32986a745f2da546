// Everything that a run needs to go on as if it had never stopped, in one safetensors file that is written beside and renamed:
// weights, the optimiser's running means and the weights' average (in the graph's layout), and as metadata the step, the settings and the best result so far.

import { existsSync } from 'node:fs';
import * as v from 'valibot';
import { checked, parseJson } from '../clip/checked.ts';
import { streamSafetensors, type Tensor, toFloat32 } from '../clip/safetensors.ts';
import { writeFileWhole } from '../files/folder.ts';
import { openRangeFile } from '../files/range-file.ts';
import { openSafetensorsFile, type SafetensorsFile } from '../files/safetensors-file.ts';
import { weightsOf } from '../networks/weights.ts';
import type { Parameter } from '../onnx/graph.ts';
import { sizeOf } from '../onnx/shapes.ts';
import { isMuons, type Moments, type OptimizerName } from './optimizer.ts';
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

/** The one setting that no option gives. */
export const ROWS_TO_TRAIN_ON = 'rows to train on';

type Kind = 'weights' | 'adam.m' | 'adam.v' | 'average';

/** Throws a sentence where a number of the state is none, before anything is written: resuming from it would be no use. */
export async function writeCheckpoint(
  path: string,
  parameters: readonly Parameter[],
  state: TrainingState,
  progress: Progress,
): Promise<void> {
  const tensors = new Map<string, Tensor>();
  for (const { name, shape } of parameters) {
    for (const [kind, values] of kept(state, name)) {
      if (!values.every(Number.isFinite)) {
        throw new Error(
          `${path} was not written: after step ${state.step} ${name} or its running means are no longer finite numbers. The checkpoint of before is still there; try a lower --lr, a longer --warmup or a larger --eps.`,
        );
      }
      tensors.set(`${kind}/${name}`, { dtype: 'F32', shape, data: values });
    }
  }
  // Piece by piece: of a large network the file is longer than memory and one buffer may hold.
  const read = async (name: string) => weightsOf(tensors, name);
  await writeFileWhole(path, streamSafetensors(tensors, read, { progress: JSON.stringify(progress) }));
}

/** Of the file that a state is written to, but for its header. */
export function bytesOf({ weights, moments, average }: TrainingState): number {
  const all = [...weights.values(), ...(average?.values() ?? [])];
  for (const { m, v } of moments.values()) all.push(m, v);
  return all.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Of model.safetensors, but for its header. */
export function bytesOfWeights({ weights }: TrainingState): number {
  return [...weights.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
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

export interface Checkpoint {
  readonly state: TrainingState;
  readonly progress: Progress;
}

/**
 * @param settings of the run that goes on
 * @throws a sentence where the file is damaged, or belongs to a run with other settings or another network
 */
export async function readCheckpoint(
  path: string,
  parameters: readonly Parameter[],
  optimizer: OptimizerName,
  settings: Progress['settings'],
): Promise<Checkpoint> {
  const file = await openRangeFile(
    path,
    existsSync(path)
      ? 'Make it readable and resume again.'
      : 'There is nothing to resume from: start the run without --resume.',
  );
  try {
    const saved = await openSafetensorsFile(file);
    const progress = progressOf(saved);
    refuseOtherSettings(path, progress.settings, settings);
    return { state: await readState(saved, parameters, optimizer, progress.step), progress };
  } finally {
    await file.close();
  }
}

function progressOf({ name, metadata }: SafetensorsFile): Progress {
  if (metadata.progress === undefined) {
    throw new Error(
      `${name} cannot be resumed: it holds tensors, but no run's progress. Resume in a folder that \`npm run -s train\` wrote.`,
    );
  }
  return checked(Progress, parseJson(new TextEncoder().encode(metadata.progress), name), name);
}

function refuseOtherSettings(path: string, saved: Progress['settings'], given: Progress['settings']): void {
  for (const name of new Set([...Object.keys(saved), ...Object.keys(given)])) {
    if (saved[name] !== given[name]) {
      const advice =
        name === ROWS_TO_TRAIN_ON
          ? 'The data has changed, or is read otherwise than by the version that began the run'
          : 'Give the same settings';
      throw new Error(
        `${path} cannot be resumed: it was written with ${name} ${saved[name] ?? 'unset'}, this run has ${given[name] ?? 'unset'}. ${advice}; or start anew without --resume in another folder.`,
      );
    }
  }
}

async function readState(
  file: SafetensorsFile,
  parameters: readonly Parameter[],
  optimizer: OptimizerName,
  step: number,
): Promise<TrainingState> {
  const read = async (kind: Kind, { name, shape }: Parameter) => {
    const key = `${kind}/${name}`;
    const found = file.tensors.get(key);
    if (found === undefined || sizeOf(found.shape) !== sizeOf(shape)) {
      throw new Error(
        `${file.name} cannot be resumed: it holds ${found ? `[${found.shape}]` : 'nothing'} for ${kind} of ${name}, the network needs [${shape}]. Resume with the --model and data that the run was started with.`,
      );
    }
    return toFloat32(await file.read(key));
  };
  const hasAverage = parameters.some(({ name }) => file.tensors.has(`average/${name}`));
  const state = {
    step,
    weights: new Map<string, Float32Array<ArrayBuffer>>(),
    moments: new Map<string, Moments>(),
    average: hasAverage ? new Map<string, Float32Array<ArrayBuffer>>() : null,
  };
  for (const parameter of parameters) {
    const { name, trainable } = parameter;
    state.weights.set(name, await read('weights', parameter));
    state.average?.set(name, await read('average', parameter));
    if (!trainable) continue;
    state.moments.set(name, {
      m: await read('adam.m', parameter),
      v: isMuons(parameter, optimizer) ? new Float32Array() : await read('adam.v', parameter),
    });
  }
  return state;
}

// How many channels this machine's fastest convolutions want side by side (MlasNchwcGetBlockSize in ONNX Runtime, which says it to nobody):
// asked of the runtime by having two pixels reordered.

import * as ort from 'onnxruntime-node';
import { Graph } from '../onnx/graph.ts';
import { toModel } from '../onnx/model-proto.ts';

/** More channels than a block has. */
const CHANNELS = 64;

let known: Promise<number> | undefined;

/** 8 or 16; 1 where the runtime has no such kernels for this processor. */
export function channelBlock(): Promise<number> {
  known ??= findBlock();
  return known;
}

async function findBlock(): Promise<number> {
  const dims = [1, CHANNELS, 1, 2];
  const g = new Graph('training');
  const x = g.input('x', 'float32', dims);
  g.output('reordered', g.add('ReorderInput', [x], [x]).outputs[0]);
  const session = await ort.InferenceSession.create(toModel(g), { intraOpNumThreads: 1 }).catch(
    withoutKernel,
  );
  if (session === null) return 1;
  // The first pixel is 0 in each channel, the second 1: a block of the first ends where the second begins.
  const pixels = Float32Array.from({ length: 2 * CHANNELS }, (_, i) => i % 2);
  const { reordered } = await session.run({ x: new ort.Tensor('float32', pixels, dims) });
  await session.release();
  return (reordered.data as Float32Array).indexOf(1);
}

/** Where there are no kernels for blocks, the runtime does not know the operators either. */
function withoutKernel(error: unknown): null {
  if (error instanceof Error && error.message.includes('ReorderInput')) return null;
  throw error;
}

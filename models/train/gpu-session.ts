// A graph opened on ONNX Runtime's WebGPU provider, whose results may stay on the GPU and go into the next run as they are.

import * as ort from 'onnxruntime-node';
import type { Graph } from '../onnx/graph.ts';
import { toModel } from '../onnx/model-proto.ts';

/** @param kept outputs that stay on the GPU; the others are copied to memory */
export async function openOnGpu(graph: Graph, kept: readonly string[] = []): Promise<ort.InferenceSession> {
  const stays = new Set(kept);
  const locations = graph.outputs.map(({ name }) => [name, stays.has(name) ? 'gpu-buffer' : 'cpu'] as const);
  try {
    return await ort.InferenceSession.create(toModel(graph), {
      // Every step asks for the same buffers again: kept by their sizes. The standard mode keeps few of the large ones, and making
      // those anew takes longer than computing what goes into them.
      executionProviders: [{ name: 'webgpu', storageBufferCacheMode: 'simple' }],
      preferredOutputLocation: Object.fromEntries(locations),
      // A node that the GPU cannot run is an error: each would cost two copies a step, and nobody would hear of it.
      extra: { session: { disable_cpu_ep_fallback: '1' } },
    });
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('WebGPU adapter'))) throw error;
    throw new Error(
      'No GPU was found for --device webgpu. It needs a Vulkan driver and its loader, libvulkan.so.1 (Metal or Direct3D elsewhere than on Linux); leave --device out to train on the CPU.',
      { cause: error },
    );
  }
}

import { messageOf } from '../../models/clip/message-of.ts';
import type { Adapter, NoAdapter } from './plan.ts';

/** The WebGPU adapter that the runtime will get, or why there is none that can be used; WASM does without. */
export async function findAdapter(): Promise<Adapter | NoAdapter> {
  if (!('gpu' in navigator)) return { absent: 'This browser offers no WebGPU here.' };
  let adapter: GPUAdapter | null;
  try {
    adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (error) {
    const reason = messageOf(error);
    return { absent: `This browser failed when it was asked for a WebGPU adapter: ${reason}` };
  }
  if (adapter === null) return { absent: 'This browser offers no WebGPU here.' };
  // Browsers had WebGPU before they had this; TypeScript's types are newer.
  const info: GPUAdapterInfo | undefined = adapter.info;
  if (info === undefined) {
    return {
      absent: 'This browser does not say whether its WebGPU adapter is a GPU or software; update it.',
    };
  }
  const { vendor, architecture, description, isFallbackAdapter } = info;
  return {
    name: description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed',
    software: isFallbackAdapter,
    shaderF16: adapter.features.has('shader-f16'),
  };
}

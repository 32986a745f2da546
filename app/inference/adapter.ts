import type { Adapter } from './plan.ts';

/** The WebGPU adapter that the runtime will get; null where there is none. */
export async function findAdapter(): Promise<Adapter | null> {
  if (!('gpu' in navigator)) return null;
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) return null;
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  return {
    name: description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed',
    software: isFallbackAdapter,
    shaderF16: adapter.features.has('shader-f16'),
  };
}

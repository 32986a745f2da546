// Which device to try first, which next: a pure choice from what the browser, the folder and the visitor say. The client
// tries the attempts in order, each in a fresh worker, until one starts and passes the self-test.

import type { Precision } from '../../models/clip/types.ts';
import type { Backend, PassedOver } from './types.ts';

/** The builds of onnxruntime-web, each the smallest that can do its part. */
export type RuntimeBuild = 'wasm' | 'jspi' | 'webgpu';

export interface Attempt {
  readonly backend: Backend;
  readonly precision: Precision;
  readonly threads: number;
  readonly build: RuntimeBuild;
  /** The GPU as its adapter names it; null on WASM. */
  readonly adapter: string | null;
}

export interface Adapter {
  /** As a person may read it: vendor and architecture. */
  readonly name: string;
  /** Runs on the CPU: right for tests, far slower than WASM. */
  readonly software: boolean;
  readonly shaderF16: boolean;
}

export interface NoAdapter {
  /** Why, as one sentence. */
  readonly absent: string;
}

export interface Circumstances {
  readonly wanted: 'auto' | Backend;
  readonly allowSoftwareAdapter: boolean;
  readonly adapter: Adapter | NoAdapter;
  /** Why the GPU is out of the question from now on: it was lost during this visit. */
  readonly gpuLost: string | null;
  /** WebAssembly can wait for a promise (JSPI), which makes the WebGPU build two thirds its size. */
  readonly jspi: boolean;
  readonly isolated: boolean;
  readonly cores: number;
  /** What both encoders weigh, for each precision that the folder has. */
  readonly encoderBytes: ReadonlyMap<Precision, number>;
  readonly hasSelfTest: boolean;
}

export interface Plan {
  readonly attempts: readonly Attempt[];
  readonly passedOver: readonly PassedOver[];
}

/** A model's download on WebGPU may weigh this much: fp32 is taken there below it, q8 on WASM above. */
export const WEBGPU_DOWNLOAD_LIMIT = 24e6;

/**
 * q8 is 1.7 times as fast as fp32 on WASM and a quarter of its size; other exporters have it under the names of its weights' types
 * too. fp16 runs as fp32 there. The rest is for folders that have nothing else.
 */
const WASM_PRECISIONS = [
  'q8',
  'int8',
  'uint8',
  'fp32',
  'fp16',
  'q4',
  'q4f16',
  'bnb4',
] as const satisfies readonly Precision[];

export function planAttempts(here: Circumstances): Plan {
  const webgpu = here.wanted === 'wasm' ? { attempts: [], passedOver: [] } : planWebGpu(here);
  const wasm = here.wanted === 'webgpu' ? [] : planWasm(here);
  return { attempts: [...webgpu.attempts, ...wasm], passedOver: webgpu.passedOver };
}

function planWebGpu(here: Circumstances): Plan {
  const { adapter, encoderBytes } = here;
  const passedOver: PassedOver[] = [];
  const passOver = (precision: Precision, reason: string) =>
    passedOver.push({ backend: 'webgpu', precision, reason });
  const attempts: Attempt[] = [];

  const best = encoderBytes.has('fp16') ? 'fp16' : 'fp32';
  if (here.gpuLost !== null && here.wanted === 'auto') {
    passOver(best, here.gpuLost);
  } else if ('absent' in adapter) {
    passOver(best, adapter.absent);
  } else if (adapter.software && !here.allowSoftwareAdapter) {
    passOver(best, `Its only WebGPU adapter (${adapter.name}) is software, slower than WASM.`);
  } else if (!here.hasSelfTest) {
    passOver(best, 'The folder has no selftest.json, so that a GPU’s answers could not be checked.');
  } else {
    const attempt = (precision: Precision) =>
      attempts.push({
        backend: 'webgpu',
        precision,
        threads: 1,
        build: here.jspi ? 'jspi' : 'webgpu',
        adapter: adapter.name,
      });
    if (encoderBytes.has('fp16')) {
      if (adapter.shaderF16) attempt('fp16');
      else passOver('fp16', `The GPU (${adapter.name}) has no 16-bit shaders (shader-f16).`);
    }
    const fp32 = encoderBytes.get('fp32');
    if (fp32 === undefined) {
      if (!encoderBytes.has('fp16')) passOver('fp32', 'The folder has neither fp16 nor fp32 encoders.');
    } else if (here.wanted === 'webgpu' || fp32 <= WEBGPU_DOWNLOAD_LIMIT) {
      attempt('fp32');
    } else {
      const limit = Math.round(WEBGPU_DOWNLOAD_LIMIT / 1e6);
      passOver(
        'fp32',
        `Its fp32 encoders are a download of ${Math.round(fp32 / 1e6)} MB, over the limit of ${limit}.`,
      );
    }
  }
  return { attempts, passedOver };
}

/** With all threads, and again with one: threads are what a browser or host is likeliest to break. */
function planWasm({ encoderBytes, isolated, cores }: Circumstances): Attempt[] {
  const precision = WASM_PRECISIONS.find((candidate) => encoderBytes.has(candidate));
  if (precision === undefined) return [];
  const threads = isolated ? wasmThreads(cores) : 1;
  const single: Attempt = { backend: 'wasm', precision, threads: 1, build: 'wasm', adapter: null };
  return threads > 1 ? [{ ...single, threads }, single] : [single];
}

/** All of up to four logical cores, half of more (two share one arithmetic unit as a rule), never over eight. */
export function wasmThreads(cores: number): number {
  return Math.max(1, Math.min(8, Math.max(Math.min(4, cores), Math.floor(cores / 2))));
}

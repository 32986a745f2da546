// Which device to try first, which next: a pure choice from what the browser, the folder and the visitor say. The client
// tries the attempts in order, each in a fresh worker, until one starts and passes the self-test.

import { CPU_PRECISIONS } from '../../models/clip/encoder-files.ts';
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
  /** What the visitor chose: it goes before all others, whatever it weighs. */
  readonly precision: 'auto' | Precision;
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
  /** They are on this device, so that none costs a download. */
  readonly onDevice: boolean;
  readonly hasSelfTest: boolean;
}

export interface Plan {
  readonly attempts: readonly Attempt[];
  readonly passedOver: readonly PassedOver[];
  /** Precisions that WASM would run, and that are tried there only when they are chosen. */
  readonly leftOut: readonly Precision[];
}

/** A model's download on WebGPU may weigh this much: fp32 is taken there below it, q8 on WASM above. */
export const WEBGPU_DOWNLOAD_LIMIT = 24e6;

/** What a GPU computes well, best first; on one without 16-bit shaders, fp32 alone. */
const WEBGPU_PRECISIONS = ['fp16', 'fp32'] as const satisfies readonly Precision[];

/** What a model may run in on this GPU, best first. */
export function gpuPrecisions(
  adapter: Adapter | NoAdapter,
  allowSoftwareAdapter: boolean,
): readonly Precision[] {
  const usable = usableAdapter(adapter, allowSoftwareAdapter);
  if (typeof usable === 'string') return [];
  return WEBGPU_PRECISIONS.filter((precision) => precision !== 'fp16' || usable.shaderF16);
}

/** The adapter, or why nothing runs on it. */
function usableAdapter(adapter: Adapter | NoAdapter, allowSoftwareAdapter: boolean): string | Adapter {
  if ('absent' in adapter) return adapter.absent;
  if (adapter.software && !allowSoftwareAdapter) {
    return `Its only WebGPU adapter (${adapter.name}) is software, slower than WASM.`;
  }
  return adapter;
}

/**
 * Precisions that are downloaded for WASM at most, the second where the first does not run: each may be hundreds of megabytes, and
 * further ones nobody has asked for.
 */
const WASM_DOWNLOADS = 2;

export function planAttempts(here: Circumstances): Plan {
  const webgpu = here.wanted === 'wasm' ? NOTHING : planWebGpu(here);
  const wasm = here.wanted === 'webgpu' ? NOTHING : planWasm(here);
  return {
    attempts: chosenFirst([...webgpu.attempts, ...wasm.attempts], here.precision),
    passedOver: webgpu.passedOver,
    leftOut: wasm.leftOut,
  };
}

const NOTHING: Plan = { attempts: [], passedOver: [], leftOut: [] };

function chosenFirst(attempts: readonly Attempt[], chosen: 'auto' | Precision): Attempt[] {
  const isChosen = ({ precision }: Attempt) => precision === chosen;
  return [...attempts.filter(isChosen), ...attempts.filter((attempt) => !isChosen(attempt))];
}

function planWebGpu(here: Circumstances): Pick<Plan, 'attempts' | 'passedOver'> {
  const passedOver: PassedOver[] = [];
  const attempts: Attempt[] = [];
  const has = (precision: Precision) => here.encoderBytes.has(precision);
  const general = generalObstacle(here);
  if (typeof general === 'string') {
    // Said once, of the precision that would have been tried.
    const precision = has('fp16') ? 'fp16' : 'fp32';
    return { attempts, passedOver: [untried(precision, general)] };
  }
  for (const precision of WEBGPU_PRECISIONS.filter(has)) {
    const reason = obstacle(here, general, precision);
    if (reason !== null) passedOver.push(untried(precision, reason));
    else
      attempts.push({
        backend: 'webgpu',
        precision,
        threads: 1,
        build: here.jspi ? 'jspi' : 'webgpu',
        adapter: general.name,
      });
  }
  return { attempts, passedOver };
}

function untried(precision: Precision, reason: string): PassedOver {
  return { backend: 'webgpu', precision, reason, failed: false };
}

/** Why no model's precision would run on a GPU here; the adapter where nothing is in the way. */
function generalObstacle(here: Circumstances): string | Adapter {
  if (here.gpuLost !== null && here.wanted === 'auto') return here.gpuLost;
  const adapter = usableAdapter(here.adapter, here.allowSoftwareAdapter);
  if (typeof adapter === 'string') return adapter;
  if (!WEBGPU_PRECISIONS.some((precision) => here.encoderBytes.has(precision))) {
    const reason = 'The folder has neither fp16 nor fp32 encoders.';
    return here.onDevice ? `${reason} Add the model in one of them to have it run on the GPU.` : reason;
  }
  if (!here.hasSelfTest) {
    const reason = 'The folder has no selftest.json, so that a GPU’s answers could not be checked.';
    return here.onDevice
      ? `${reason} Add the model again to have one made; a folder that was picked, delete first.`
      : reason;
  }
  return adapter;
}

/** Why this precision is not for this GPU, or null. */
function obstacle(here: Circumstances, adapter: Adapter, precision: 'fp16' | 'fp32'): string | null {
  if (precision === 'fp16') {
    return adapter.shaderF16 ? null : `The GPU (${adapter.name}) has no 16-bit shaders (shader-f16).`;
  }
  const bytes = here.encoderBytes.get('fp32') ?? 0;
  const asked = here.wanted === 'webgpu' || here.precision === 'fp32';
  if (asked || here.onDevice || bytes <= WEBGPU_DOWNLOAD_LIMIT) return null;
  const limit = Math.round(WEBGPU_DOWNLOAD_LIMIT / 1e6);
  return `Its fp32 encoders are a download of ${Math.round(bytes / 1e6)} MB, over the limit of ${limit}.`;
}

/** Each precision with all threads, and again with one: threads are what a browser or host is likeliest to break. */
function planWasm(here: Circumstances): Pick<Plan, 'attempts' | 'leftOut'> {
  const threads = here.isolated ? wasmThreads(here.cores) : 1;
  const single = (precision: Precision): Attempt => ({
    backend: 'wasm',
    precision,
    threads: 1,
    build: 'wasm',
    adapter: null,
  });
  const there = CPU_PRECISIONS.filter((precision) => here.encoderBytes.has(precision));
  const ordered = chosenFirst(there.map(single), here.precision);
  const tried = here.onDevice ? ordered.length : WASM_DOWNLOADS;
  return {
    attempts: ordered
      .slice(0, tried)
      .flatMap((attempt) => (threads > 1 ? [{ ...attempt, threads }, attempt] : [attempt])),
    leftOut: ordered.slice(tried).map(({ precision }) => precision),
  };
}

/** All of up to four logical cores, half of more (two share one arithmetic unit as a rule), never over eight. */
export function wasmThreads(cores: number): number {
  return Math.max(1, Math.min(8, Math.max(Math.min(4, cores), Math.floor(cores / 2))));
}

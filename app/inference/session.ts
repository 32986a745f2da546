// One encoder of a model as a session of the runtime: numbers in, rows of numbers out. Tensors live for one run.

import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { GraphSignature } from '../../models/clip/encoder-binding.ts';
import type { Attempt } from './plan.ts';
import type { Runtime } from './runtime.ts';

/** Numbers of float32 or int64, by the array that holds them. */
export interface Feed {
  readonly data: Float32Array | BigInt64Array;
  readonly dims: readonly number[];
}

/** An encoder as its files hold it. */
export interface EncoderBytes {
  readonly graph: Uint8Array<ArrayBuffer>;
  /** The program that wrote the graph. */
  readonly producer: string;
  /** Weights beside the graph, by the names that it calls them. */
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array<ArrayBuffer> }[];
}

export interface EncoderSession {
  readonly signature: GraphSignature;
  /** The named output's rows, [batch, dim], copied out of the runtime. */
  run(feeds: Readonly<Record<string, Feed>>, output: string): Promise<Float32Array<ArrayBuffer>[]>;
  /** Gives its memory back to the runtime. */
  release(): Promise<void>;
}

/** onnxruntime's severity 3: it warns at each start that shape arithmetic stays on the CPU, as it should. */
const ERRORS_ONLY = 3;

/**
 * A runtime whose threads do not start gives no error, it waits. Compiling takes 0.1 s for a small model and 4 s for 350 MB
 * on a slow laptop; this is several times that.
 */
const CREATE_LIMIT_MS = 30_000;
const CREATE_LIMIT_MS_PER_MB = 100;

const OUR_EXPORT = 'promptlens';

/**
 * The q8 graphs of our export are in the form in which WebAssembly runs them, and its optimiser, which WebAssembly has to compile at
 * each start, makes them no faster: without it a small model answers 0.3 s sooner. Measured again by `npm run bench`. Other exporters
 * leave it to the runtime to put operators together.
 */
function optimization(
  { backend, precision }: Pick<Attempt, 'backend' | 'precision'>,
  producer: string,
): 'all' | 'disabled' {
  return backend === 'wasm' && precision === 'q8' && producer === OUR_EXPORT ? 'disabled' : 'all';
}

export async function createEncoderSession(
  runtime: Runtime,
  attempt: Pick<Attempt, 'backend' | 'precision'>,
  { graph, externalData, producer }: EncoderBytes,
  path: string,
): Promise<EncoderSession> {
  const bytes = externalData.reduce((sum, { data }) => sum + data.length, graph.length);
  const session = await limited(
    runtime.InferenceSession.create(graph, {
      executionProviders: [attempt.backend],
      graphOptimizationLevel: optimization(attempt, producer),
      logSeverityLevel: ERRORS_ONLY,
      externalData,
    }),
    CREATE_LIMIT_MS + (CREATE_LIMIT_MS_PER_MB * bytes) / 1e6,
    path,
  );
  return {
    signature: session,
    run: (feeds, output) => run(runtime, session, feeds, output, path),
    release: () => session.release(),
  };
}

async function run(
  runtime: Runtime,
  session: InferenceSession,
  feeds: Readonly<Record<string, Feed>>,
  output: string,
  path: string,
): Promise<Float32Array<ArrayBuffer>[]> {
  const inputs: Record<string, Tensor> = {};
  let result: Tensor | undefined;
  try {
    for (const [name, { data, dims }] of Object.entries(feeds)) {
      inputs[name] =
        data instanceof BigInt64Array
          ? new runtime.Tensor('int64', data, dims)
          : new runtime.Tensor('float32', data, dims);
    }
    result = (await session.run(inputs, [output]))[output];
    const [rows, dim] = result?.dims ?? [];
    if (!(result?.data instanceof Float32Array) || rows === undefined || dim === undefined) {
      throw new Error(
        `${path} gave ${output} as ${result?.type ?? 'nothing'} [${result?.dims ?? ''}]; float32 [batch, embed] was expected.`,
      );
    }
    const { data } = result;
    return Array.from(
      { length: rows },
      (_, row) => data.slice(row * dim, (row + 1) * dim) as Float32Array<ArrayBuffer>,
    );
  } finally {
    for (const tensor of Object.values(inputs)) tensor.dispose();
    result?.dispose();
  }
}

async function limited<Value>(work: Promise<Value>, limitMs: number, path: string): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new Error(`The runtime did not get ${path} ready within ${Math.round(limitMs / 1000)} seconds.`),
      );
    }, limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

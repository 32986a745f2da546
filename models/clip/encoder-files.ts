// The precisions that encoders come in, and their files in a model folder.

import type { Encoder, FolderFile, Precision } from './types.ts';

/** What a precision adds to a graph's name, as transformers.js has it. */
const SUFFIX = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
} as const satisfies Record<Precision, string>;

export const PRECISIONS = Object.keys(SUFFIX) as readonly Precision[];

/**
 * Best first on a CPU. q8 is 1.7 times as fast as fp32 on WASM and a quarter of its size; fp16 runs as fp32 there, and four bits run
 * more slowly than eight.
 */
export const CPU_PRECISIONS: readonly Precision[] = [
  'q8',
  'int8',
  'uint8',
  'fp32',
  'fp16',
  'q4',
  'bnb4',
  'q4f16',
];

/** `onnx/vision_model_quantized.onnx` for the vision model in q8. */
export function encoderPath(encoder: Encoder, precision: Precision): string {
  return `onnx/${encoder}${SUFFIX[precision]}.onnx`;
}

/** Of weights beside a graph; transformers.js takes no more. */
const MAX_DATA_FILES = 100;

/** Where an encoder's files may be, to be asked for in this order: each is there only where the one before it is. */
export function possibleEncoderPaths(encoder: Encoder, precision: Precision): string[] {
  const graph = encoderPath(encoder, precision);
  const data = Array.from({ length: MAX_DATA_FILES }, (_, i) => `${graph}_data${i === 0 ? '' : `_${i}`}`);
  return [graph, ...data];
}

/** The graph and, after it, the files of external data beside it (`….onnx_data`, `….onnx_data_1` …). */
export function encoderFiles<File extends { readonly path: string }>(
  files: readonly File[],
  encoder: Encoder,
  precision: Precision,
): File[] {
  const graph = encoderPath(encoder, precision);
  return files.filter(
    ({ path }) => path.startsWith(graph) && /^(?:_data(?:_\d+)?)?$/.test(path.slice(graph.length)),
  );
}

/** Those of which both encoders are among the files, fp32 first. */
export function precisionsOf(files: readonly { readonly path: string }[]): Precision[] {
  const paths = new Set(files.map(({ path }) => path));
  return PRECISIONS.filter(
    (precision) =>
      paths.has(encoderPath('vision_model', precision)) && paths.has(encoderPath('text_model', precision)),
  );
}

/** Both encoders' graphs, each with the weights beside it. */
export function precisionFiles<File extends { readonly path: string }>(
  files: readonly File[],
  precision: Precision,
): File[] {
  return [...encoderFiles(files, 'vision_model', precision), ...encoderFiles(files, 'text_model', precision)];
}

export function encoderBytes(files: readonly FolderFile[], precision: Precision): number {
  return precisionFiles(files, precision).reduce((sum, { bytes }) => sum + bytes, 0);
}

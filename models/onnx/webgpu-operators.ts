// Operators that ONNX Runtime's WebGPU provider has no kernel for, or a slow one, in terms of those that it is good at: a node left
// to the CPU costs two copies over the bus and a wait for each.

import type { Graph, GraphNode, Value } from './graph.ts';
import { exp, log, matMul, reduceMax, reduceSum, reshape, sub, transpose } from './operators.ts';

/** Undefined where the node stays as it is. */
type Replacement = (g: Graph, node: GraphNode) => Value | undefined;

const logSoftmax: Replacement = (g, { inputs: [x], attributes }) => {
  const axes = [attributes.axis as number];
  const centred = sub(g, x, reduceMax(g, x, axes));
  return sub(g, centred, log(g, reduceSum(g, exp(g, centred), axes)));
};

/** Parts of a long sum that a weight's gradient is, and the fewest products in one. */
const MOST_PARTS = 128;
const LEAST_OF_PART = 256;

/**
 * TFLOP/s on an H200, [65536, 256] by [256, 1024] and what its gradients are made of: MatMul 12.4, Gemm with transB 5.1, Gemm with
 * transA 8.3. Where that is a sum over 65,536 rows few threads have work, and each much; in 128 parts added up at the end it is 11.9.
 */
const gemm: Replacement = (g, { inputs: [a, b], attributes: { transA, transB } }) => {
  if (transA === 0 && transB === 1) return matMul(g, a, transpose(g, b, [1, 0]));
  if (transA !== 1 || transB !== 0) return undefined;
  const [rows, columns] = a.shape.map(Number);
  let parts = MOST_PARTS;
  while (parts > 1 && (rows % parts > 0 || rows / parts < LEAST_OF_PART)) parts /= 2;
  if (parts === 1) return undefined;
  const part = (x: Value, width: number) => reshape(g, x, [parts, rows / parts, width]);
  const left = transpose(g, part(a, columns), [0, 2, 1]);
  return reduceSum(g, matMul(g, left, part(b, Number(b.shape[1]))), [0], false);
};

const REPLACEMENTS: Readonly<Record<string, Replacement | undefined>> = {
  Gemm: gemm,
  LogSoftmax: logSoftmax,
};

/** To be called when the graph's gradients are there: the replacements have none. */
export function replaceForWebGpu(g: Graph): void {
  g.replaceNodes((node) => void REPLACEMENTS[node.op]?.(g, node));
}

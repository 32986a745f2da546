// Operators that ONNX Runtime's WebGPU provider has no kernel for, in terms of those that it has: a node left to the CPU costs two
// copies over the bus and a wait for each.

import type { Graph, GraphNode, Value } from './graph.ts';
import { exp, log, reduceMax, reduceSum, sub } from './operators.ts';

type Replacement = (g: Graph, node: GraphNode) => Value;

const logSoftmax: Replacement = (g, { inputs: [x], attributes }) => {
  const axes = [attributes.axis as number];
  const centred = sub(g, x, reduceMax(g, x, axes));
  return sub(g, centred, log(g, reduceSum(g, exp(g, centred), axes)));
};

const REPLACEMENTS: Readonly<Record<string, Replacement | undefined>> = { LogSoftmax: logSoftmax };

/** To be called when the graph's gradients are there: the replacements have none. */
export function replaceForWebGpu(g: Graph): void {
  g.replaceNodes((node) => void REPLACEMENTS[node.op]?.(g, node));
}

// The arithmetic that a graph asks for in matrix products and convolutions, in floating-point operations: a multiplication and
// an addition count as two. What a convolution reads of its padding counts too, as it does for whoever states a network's size.

import type { Graph, GraphNode } from './graph.ts';
import { lengthAt, sizeOf } from './shapes.ts';

/** Of one run. All axes must be known. */
export function productFlops({ nodes }: Pick<Graph, 'nodes'>): number {
  return nodes.reduce((sum, node) => sum + 2 * multiplications(node), 0);
}

function multiplications({ op, inputs, outputs, attributes }: GraphNode): number {
  const [first, second] = inputs;
  switch (op) {
    case 'MatMul':
      return sizeOf(outputs[0].shape) * lengthAt(first.shape, -1);
    case 'FusedMatMul':
      return sizeOf(outputs[0].shape) * lengthAt(first.shape, attributes.transA ? -2 : -1);
    case 'Gemm':
      return sizeOf(outputs[0].shape) * lengthAt(first.shape, attributes.transA ? 0 : 1);
    // A weight is [out, in / groups, k, k]: each element of the result is a sum over all but the first axis.
    case 'Conv':
      return sizeOf(outputs[0].shape) * sizeOf(second.shape.slice(1));
    // And here [in, out / groups, k, k]: each element read is spread over all but the first axis.
    case 'ConvTranspose':
      return sizeOf(first.shape) * sizeOf(second.shape.slice(1));
    default:
      return 0;
  }
}

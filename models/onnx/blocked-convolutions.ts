// Training's convolutions over channels in blocks. ONNX Runtime's fastest kernel reads the values of 8 or 16 channels side by side, and
// computes a ResNet's convolutions in two thirds of the time on a processor with AVX-512. The runtime brings a graph to that layout by
// itself where weights are constants, which a training step's are not; the operators take any.
//
//   x ─▶ ReorderInput ─▶ BlockedConv(weight in blocks) ─▶ ReorderOutput ─▶ as before
//
// ONNX Runtime: onnxruntime/core/mlas/lib/snchwc.cpp has the kernel, onnxruntime/core/optimizer/nchwc_transformer.cc its own use.

import type { Graph, GraphNode, Value } from './graph.ts';
import { reshape, transpose } from './operators.ts';
import { knownLengths, lengthAt, type Shape } from './shapes.ts';

/** Pixels of a batch for each channel of the result; with fewer, bringing the weight into blocks takes what the kernel saves. */
const LEAST_PIXELS = 16;

/**
 * Replaces the convolutions that gain by it: of several taps, at stride 1, over channels that fill blocks.
 * To be called when the graph's gradients are there: the runtime's own operators have none.
 * @param block channels side by side, as this machine's kernels want them; 1 where it has none for blocks
 */
export function blockConvolutions(g: Graph, block: number): void {
  if (block === 1) return;
  const reordered = new Map<string, Value>();
  /** x by blocks of channels, once for all the convolutions that read it. */
  const byBlocks = (x: Value): Value => {
    const made = reordered.get(x.name) ?? g.add('ReorderInput', [x], [x]).outputs[0];
    reordered.set(x.name, made);
    return made;
  };
  g.replaceNodes((node) => {
    if (!gains(node, block)) return;
    const [x, weight] = node.inputs;
    const [result] = node.outputs;
    const sum = g.add('BlockedConv', [byBlocks(x), weightByBlocks(g, weight, block)], [result], {
      ...node.attributes,
    });
    g.add('ReorderOutput', sum.outputs, [result], { channels: lengthAt(result.shape, 1) });
  });
}

function gains({ op, inputs, outputs, attributes }: GraphNode, block: number): boolean {
  if (op !== 'Conv' || !isKnown(outputs[0].shape)) return false;
  const [out, channels, ...taps] = knownLengths(inputs[1].shape);
  const [batch, , height, width] = knownLengths(outputs[0].shape);
  const atEachPixel = (attributes.strides as readonly number[]).every((stride) => stride === 1);
  return (
    atEachPixel &&
    taps.some((length) => length > 1) &&
    out % block === 0 &&
    channels % block === 0 &&
    batch * height * width >= LEAST_PIXELS * out
  );
}

const isKnown = (shape: Shape): boolean => shape.every((length) => typeof length === 'number');

/** [out, in, h, w] → [out / block, in / block, h, w, block of in, block of out], under the shape that it had. */
function weightByBlocks(g: Graph, weight: Value, block: number): Value {
  const [out, channels, ...taps] = knownLengths(weight.shape);
  const parts = reshape(g, weight, [out / block, block, channels / block, block, ...taps]);
  return reshape(g, transpose(g, parts, [0, 2, 4, 5, 3, 1]), weight.shape);
}

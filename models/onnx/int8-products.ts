// Training's large products in 8-bit integers: three times as fast as in float32 where a CPU has instructions for them (AVX-512
// VNNI). A linear layer's own product, and the one that carries its gradient back to what it read; the gradient of its weight, a
// sum over all rows of a batch, stays float32: SwitchBack (Wortsman et al. 2023, "Stable and low-precision training for large-scale
// vision-language models", algorithm 1; open_clip's --use-bnb-linear). Weights themselves stay float32, and so do the steps that
// they take.
//
//   x ─▶ DynamicQuantizeLinear ─▶ MatMulIntegerToFloat(weight in int8, bias) ─▶ as before
//
// Each tensor has one scale, as ONNX Runtime's kernels are fast with; SwitchBack has a scale per row of what is read.

import { groupBy } from '../clip/group-by.ts';
import type { Graph, GraphNode, Parameter, Value } from './graph.ts';
import { abs, add, cast, div, mul, OMITTED, reduceMax, transpose } from './operators.ts';

/** Symmetric: -128 is not used, so that a weight and its negative are equally exact. */
const MAX_LEVEL = 127;
/** No scale is zero, of a weight that is nothing but zeros either. */
const SMALLEST_SCALE = 1e-12;

interface Quantised {
  readonly values: Value;
  readonly scale: Value;
}

/**
 * Replaces products with the weights that are `chosen`, forward and backward.
 * To be called when the graph's gradients are there: integers have none.
 */
export function multiplyInInt8(g: Graph, chosen: (parameter: Parameter) => boolean): void {
  const activations = new Map<string, readonly Value[]>();
  const weights = new Map<string, Quantised>();
  const transposed = new Map<string, Value>();
  const readers = groupBy(g.nodes, ({ inputs }) => inputs.map(({ name }) => name));
  /** Sums with a bias that the product before has taken in. */
  const fused = new Map<GraphNode, Value>();

  const isChosen = ({ name }: Value): boolean => {
    const parameter = g.parameters.get(name);
    return parameter !== undefined && chosen(parameter);
  };

  /** x as uint8 with its scale and zero point, once for all the products that read it. */
  const activation = (x: Value): readonly Value[] => {
    const known = activations.get(x.name);
    if (known) return known;
    const { outputs } = g.add(
      'DynamicQuantizeLinear',
      [x],
      [
        { type: 'uint8', shape: x.shape },
        { type: 'float32', shape: [] },
        { type: 'uint8', shape: [] },
      ],
    );
    activations.set(x.name, outputs);
    return outputs;
  };

  const weight = (w: Value): Quantised => {
    const known = weights.get(w.name);
    if (known) return known;
    const largest = reduceMax(g, abs(g, w), [0, 1], false);
    const scale = add(g, div(g, largest, g.scalar(MAX_LEVEL)), g.scalar(SMALLEST_SCALE));
    const zeroPoint = cast(g, g.integers([0], []), 'int8');
    const [values] = g.add(
      'QuantizeLinear',
      [w, scale, zeroPoint],
      [{ type: 'int8', shape: w.shape }],
    ).outputs;
    const made = { values, scale };
    weights.set(w.name, made);
    return made;
  };

  const transposedOf = ({ name }: Value, values: Value): Value => {
    const made = transposed.get(name) ?? transpose(g, values, [1, 0]);
    transposed.set(name, made);
    return made;
  };

  g.replaceNodes((node) => {
    const product = fused.get(node);
    if (product) {
      g.add('Identity', [product], [product]);
      return;
    }
    const backward = isBackward(node);
    if (!isForward(node) && !backward) return;
    const [x, w] = node.inputs;
    if (!isChosen(w)) return;
    const [levels, scale, zeroPoint] = activation(x);
    const { values, scale: levelScale } = weight(w);
    const { float: alpha } = (node.attributes.alpha ?? { float: 1 }) as { float: number };
    const weightScale = alpha === 1 ? levelScale : mul(g, levelScale, g.scalar(alpha));
    const matrix = backward ? transposedOf(w, values) : values;
    const sum = biasedSum(readers.get(node.outputs[0].name) ?? []);
    if (sum) fused.set(sum.node, node.outputs[0]);
    // Symmetric weights have no zero point.
    const bias = sum ? [OMITTED, sum.bias] : [];
    g.add(
      'MatMulIntegerToFloat',
      [levels, matrix, scale, weightScale, zeroPoint, ...bias],
      [{ type: 'float32', shape: node.outputs[0].shape }],
    );
  });
}

/** x · w, or times alpha. */
const isForward = ({ op, attributes }: GraphNode): boolean =>
  op === 'MatMul' || (op === 'FusedMatMul' && attributes.transA !== 1 && attributes.transB !== 1);

/** dy · wᵀ, or times alpha: see timesTransposed in gradient-rules.ts. */
const isBackward = ({ op, attributes }: GraphNode): boolean =>
  op === 'Gemm' && attributes.transB === 1 && attributes.transA !== 1;

/** The sum of a product and a bias that was there before it, where nothing else reads the product. */
function biasedSum([node, ...others]: readonly GraphNode[]) {
  if (node?.op !== 'Add' || others.length > 0) return undefined;
  const [, bias] = node.inputs;
  return bias.shape.length === 1 ? { node, bias } : undefined;
}

// The layers that both of CLIP's transformers are made of. Each function adds its nodes to the graph and asks it for its
// parameters, by the names that Hugging Face's CLIPModel gives them. Shapes: b pictures or prompts, n tokens, d the width.

import type { TextConfig } from '../clip/config.ts';
import type { Graph, Parameter, Value } from '../onnx/graph.ts';
import {
  add,
  div,
  erf,
  fusedMatMul,
  layerNormalization,
  matMul,
  mul,
  reduceSum,
  reshape,
  sigmoid,
  silu,
  softmax,
  sqrt,
  transpose,
} from '../onnx/operators.ts';
import { lengthAt } from '../onnx/shapes.ts';

type Activation = TextConfig['hidden_act'];

export interface TransformerConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: Activation;
  readonly layer_norm_eps: number;
}

export function normal(std: number) {
  return { kind: 'normal', std } as const;
}

export function constant(value: number) {
  return { kind: 'constant', value } as const;
}

interface Linear {
  /** Of the starting weights. */
  readonly std: number;
  readonly bias?: boolean;
  /** Other than 1, it makes the product ONNX Runtime's own operator. */
  readonly alpha?: number;
  readonly beta?: number;
}

/** alpha · x [..., d] · weight [d, width] (+ beta · bias). */
export function linear(
  g: Graph,
  x: Value,
  name: string,
  width: number,
  { std, bias = true, alpha = 1, beta = 1 }: Linear,
): Value {
  const weight = g.parameter(`${name}.weight`, [lengthAt(x.shape, -1), width], normal(std), true);
  const product = () => (alpha === 1 ? matMul(g, x, weight) : fusedMatMul(g, x, weight, { alpha }));
  if (!bias) return product();
  const offset = g.parameter(`${name}.bias`, [width], constant(0));
  // Before the product, which may take it in: int8-products.ts.
  const scaled = beta === 1 ? offset : mul(g, offset, g.scalar(beta));
  return add(g, product(), scaled);
}

export function layerNorm(g: Graph, x: Value, name: string, epsilon: number): Value {
  const width = lengthAt(x.shape, -1);
  const gain = g.parameter(`${name}.weight`, [width], constant(1));
  const bias = g.parameter(`${name}.bias`, [width], constant(0));
  return layerNormalization(g, x, gain, bias, epsilon);
}

/** A step on the CPU has ONNX Runtime's own operators, which are faster there; other graphs, for any reader, the standard's alone. */
const hasRuntimeOperators = ({ mode, target }: Graph): boolean => mode === 'training' && target === 'cpu';

const QUICK_GELU = 1.702;

/** QuickGELU x·σ(1.702x), as OpenAI trained with, or the exact GELU x·Φ(x). */
export function activation(g: Graph, x: Value, name: Activation): Value {
  switch (name) {
    case 'quick_gelu':
      return mul(g, x, sigmoid(g, mul(g, x, g.scalar(QUICK_GELU))));
    case 'gelu': {
      const cumulative = add(g, erf(g, div(g, x, g.scalar(Math.SQRT2))), g.scalar(1));
      return mul(g, mul(g, x, cumulative), g.scalar(0.5));
    }
    default:
      throw new Error(`Unknown activation ${name satisfies never}.`);
  }
}

interface Attention {
  readonly width: number;
  readonly heads: number;
  /** Of the starting weights that make queries, keys and values. */
  readonly std: number;
  readonly output: { readonly name: string; readonly width: number; readonly std: number };
}

/**
 * Multi-head attention of `query` [b, m, d] to `memory` [b, n, d] → [b, m, output width]; `mask`, [m, n] or [b, 1, m, n], is added to
 * the scores.
 */
export function attend(
  g: Graph,
  query: Value,
  memory: Value,
  name: string,
  { width, heads, std, output }: Attention,
  mask?: Value,
): Value {
  const headWidth = width / heads;
  const project = (x: Value, part: string, perm: readonly number[] = [0, 2, 1, 3]) => {
    const [batch, tokens] = x.shape;
    const projected = linear(g, x, `${name}.${part}`, width, { std });
    return transpose(g, reshape(g, projected, [batch, tokens, heads, headWidth]), perm);
  };
  const scale = headWidth ** -0.5;
  const queries = project(query, 'q_proj');
  const scores = hasRuntimeOperators(g)
    ? fusedMatMul(g, queries, project(memory, 'k_proj'), { transB: 1, alpha: scale })
    : matMul(g, mul(g, queries, g.scalar(scale)), project(memory, 'k_proj', [0, 2, 3, 1]));
  const weights = softmax(g, mask ? add(g, scores, mask) : scores);
  const mixed = transpose(g, matMul(g, weights, project(memory, 'v_proj')), [0, 2, 1, 3]);
  const [batch, tokens] = query.shape;
  const joined = reshape(g, mixed, [batch, tokens, width]);
  return linear(g, joined, `${name}.${output.name}`, output.width, { std: output.std });
}

function multilayerPerceptron(g: Graph, x: Value, name: string, config: TransformerConfig): Value {
  const { hidden_size: width, intermediate_size: inner, num_hidden_layers: depth } = config;
  const widening = { std: (2 * width) ** -0.5 };
  const narrowing = { std: width ** -0.5 * (2 * depth) ** -0.5 };
  if (config.hidden_act === 'quick_gelu' && hasRuntimeOperators(g)) {
    // With t = 1.702x, QuickGELU is t·σ(t) / 1.702: both factors go into the products around it, which have them for nothing.
    const t = linear(g, x, `${name}.fc1`, inner, { ...widening, alpha: QUICK_GELU, beta: QUICK_GELU });
    return linear(g, silu(g, t), `${name}.fc2`, width, { ...narrowing, alpha: 1 / QUICK_GELU });
  }
  const hidden = linear(g, x, `${name}.fc1`, inner, widening);
  return linear(g, activation(g, hidden, config.hidden_act), `${name}.fc2`, width, narrowing);
}

/** What the last block of a transformer over x [b, n, d] gives: one token of each, and no other. */
export interface Pooling {
  /** x → that token, [t, 1, d]. */
  readonly token: (x: Value) => Value;
  /** x → what it may look at, [t, m, d]; x itself where it is left out. */
  readonly memory?: (x: Value) => Value;
  /** What it sees of that, added to the scores: [t, 1, 1, m]. */
  readonly mask?: Value;
}

/**
 * The pre-norm residual blocks `<name>.encoder.layers.*` over x [b, n, d] → [t, 1, d].
 * @param mask added to the scores of all blocks but the last: [n, n], or [b, 1, n, n]
 */
export function transformer(
  g: Graph,
  x: Value,
  name: string,
  config: TransformerConfig,
  pooling: Pooling,
  mask?: Value,
): Value {
  const { hidden_size: width, num_attention_heads: heads, num_hidden_layers: depth } = config;
  const std = width ** -0.5;
  // Residual branches start smaller the deeper the network is: openai/CLIP, clip/model.py, initialize_parameters.
  const output = { name: 'out_proj', width, std: std * (2 * depth) ** -0.5 };
  const norm = (y: Value, layerName: string) => layerNorm(g, y, layerName, config.layer_norm_eps);
  let hidden = x;
  for (let layer = 0; layer < depth; layer++) {
    const block = `${name}.encoder.layers.${layer}`;
    const last = layer === depth - 1;
    const normed = norm(hidden, `${block}.layer_norm1`);
    const query = last ? pooling.token(normed) : normed;
    const memory = last && pooling.memory ? pooling.memory(normed) : normed;
    const attention = { width, heads, std, output };
    const attended = attend(g, query, memory, `${block}.self_attn`, attention, last ? pooling.mask : mask);
    hidden = add(g, last ? pooling.token(hidden) : hidden, attended);
    const widened = norm(hidden, `${block}.layer_norm2`);
    hidden = add(g, hidden, multilayerPerceptron(g, widened, `${block}.mlp`, config));
  }
  return hidden;
}

/** Whether a parameter is a matrix of such a block: of attention or of the layers between, in either tower. */
export function isHiddenMatrix({ name, shape }: Parameter): boolean {
  return shape.length === 2 && name.includes('.encoder.layers.');
}

/** Rows of length one. */
export function normalizeRows(g: Graph, x: Value): Value {
  return div(g, x, sqrt(g, reduceSum(g, mul(g, x, x), [-1])));
}

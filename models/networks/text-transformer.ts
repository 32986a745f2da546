// CLIP's text transformer (Radford et al. 2021, section 2.4): token and position embeddings, blocks with a causal mask, a last
// norm, and the vector at the end-of-text token projected into the space that both towers share.

import type { TextConfig } from '../clip/config.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import {
  add,
  argMax,
  cast,
  equal,
  gather,
  lengthOf,
  matMul,
  mul,
  reduceMax,
  relu,
  reshape,
  slice,
  sliceTo,
  sub,
} from '../onnx/operators.ts';
import { layerNorm, linear, normal, transformer } from './layers.ts';

const NAME = 'text_model';

/** Added to a score that must not count: e^-10000 is 0 in fp32, and the number still fits fp16, unlike -∞ minus -∞. */
const MASKED = -10_000;

/** input_ids [b, n], padded after the end token → text_embeds [b, projection], not normalised. */
export function textTransformer(g: Graph, inputIds: Value, config: TextConfig, projection: number): Value {
  const [batch, sequence] = inputIds.shape;
  const { hidden_size: width, max_position_embeddings: contextLength } = config;
  const cut = cutToCaptions(g, inputIds);

  const table = g.parameter(
    `${NAME}.embeddings.token_embedding.weight`,
    [config.vocab_size, width],
    normal(0.02),
  );
  const positions = g.parameter(
    `${NAME}.embeddings.position_embedding.weight`,
    [contextLength, width],
    normal(0.01),
  );
  const tokens = add(g, gather(g, table, inputIds), cut(positions, 0));

  const end = g.target === 'gpu' ? endByCounting(g, inputIds, config) : endByPlace(g, inputIds, config, cut);
  const pick = reshape(g, end, [batch, 1, sequence]);
  const mask = cut(cut(causalMask(g, contextLength), 0), 1);
  const hidden = transformer(g, tokens, NAME, config, (x) => matMul(g, pick, x), mask);
  const normed = layerNorm(g, hidden, `${NAME}.final_layer_norm`, config.layer_norm_eps);
  const pooled = reshape(g, normed, [batch, width]);
  return linear(g, pooled, 'text_projection', projection, { std: width ** -0.5, bias: false });
}

type Cut = (x: Value, axis: number) => Value;

/** Cuts an axis to the captions' length, which may be known only when the graph runs. */
function cutToCaptions(g: Graph, inputIds: Value): Cut {
  const sequence = inputIds.shape[1];
  if (typeof sequence === 'number') return (x, axis) => slice(g, x, [{ axis, start: 0, end: sequence }]);
  const length = lengthOf(g, inputIds, 1);
  return (x, axis) => sliceTo(g, x, axis, length, sequence);
}

/** float32 [b, n]: 1 at the end-of-text token, 0 elsewhere. */
function endByPlace(g: Graph, inputIds: Value, config: TextConfig, cut: Cut): Value {
  const places = g.integers(Array.from({ length: config.max_position_embeddings }, (_, i) => i));
  return cast(g, equal(g, endOfText(g, inputIds, config), cut(places, 0)), 'float32');
}

/**
 * The same where an ArgMax and what compares its result would be left to the CPU: of all tokens that could end the text the one
 * that has none before it.
 */
function endByCounting(g: Graph, inputIds: Value, config: TextConfig): Value {
  const length = Number(inputIds.shape[1]);
  const ids = cast(g, inputIds, 'float32');
  const end = config.eos_token_id === 2 ? reduceMax(g, ids, [1]) : g.scalar(config.eos_token_id);
  const ends = cast(g, equal(g, ids, end), 'float32');
  const before = Array.from({ length: length * length }, (_, i) =>
    Number(Math.floor(i / length) < i % length),
  );
  return mul(g, ends, relu(g, sub(g, g.scalar(1), matMul(g, ends, g.floats(before, [length, length])))));
}

/**
 * Position of the end-of-text token, int64 [b, 1]. Old configurations name token 2, and mean the largest id (transformers,
 * modeling_clip.py). ArgMax reads floats because not every runtime has it for int64.
 */
function endOfText(g: Graph, inputIds: Value, config: TextConfig): Value {
  if (config.eos_token_id === 2) return argMax(g, cast(g, inputIds, 'float32'), 1);
  return argMax(g, cast(g, equal(g, inputIds, g.integers([config.eos_token_id], [])), 'float32'), 1);
}

/** [n, n]: a token sees itself and what stands before it. */
function causalMask(g: Graph, length: number): Value {
  const mask = new Float32Array(length * length);
  for (let row = 0; row < length; row++) mask.fill(MASKED, row * length + row + 1, (row + 1) * length);
  return g.floats(mask, [length, length]);
}

// CLIP's text transformer (Radford et al. 2021, section 2.4): token and position embeddings, blocks with a causal mask, a last
// norm, and the vector at the end-of-text token projected into the space that both towers share.

import type { TextConfig } from '../clip/config.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import {
  add,
  argMax,
  cast,
  equal,
  flattenToMatrix,
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
import { lengthAt } from '../onnx/shapes.ts';
import { layerNorm, linear, normal, transformer } from './layers.ts';

const NAME = 'text_model';

/**
 * Added to a score or a logit that must not count: e^-10000 is 0 in fp32. Unlike -∞ it is a number minus itself and times 0, and it
 * fits fp16.
 */
export const MASKED = -10_000;

/**
 * Captions that lie one behind the other in rows of n tokens, none seeing another, for training (train/text-packing.ts). What picks
 * are rows of the identity.
 */
export interface PackedTexts {
  /** [rows, n] */
  readonly inputIds: Value;
  /** [rows, n, n], which place of its caption each token has. */
  readonly places: Value;
  /** [rows, 1, n, n], added to the scores: what each token sees of its row. */
  readonly mask: Value;
  /** [captions, rows · n], the token at which each one ends. */
  readonly ends: Value;
  /** [captions, rows], the row that each one lies in. */
  readonly rowOf: Value;
  /** [captions, 1, 1, n], added to the scores: what each one's end sees of that row. */
  readonly endMask: Value;
}

/** input_ids [b, n], padded after the end token → text_embeds [b, projection], not normalised. */
export function textTransformer(g: Graph, inputIds: Value, config: TextConfig, projection: number): Value {
  const [batch, sequence] = inputIds.shape;
  const cut = cutToCaptions(g, inputIds);
  const { table, positions } = embeddings(g, config);
  const tokens = add(g, gather(g, table, inputIds), cut(positions, 0));
  const end = g.target === 'gpu' ? endByCounting(g, inputIds, config) : endByPlace(g, inputIds, config, cut);
  const pick = reshape(g, end, [batch, 1, sequence]);
  const mask = cut(cut(causalMask(g, config.max_position_embeddings), 0), 1);
  const token = (x: Value) => matMul(g, pick, x);
  const seen = reshape(g, token(mask), [batch, 1, 1, sequence]);
  return projected(g, transformer(g, tokens, NAME, config, { token, mask: seen }, mask), config, projection);
}

/** The same of captions in rows → [captions, projection]. */
export function packedTextTransformer(
  g: Graph,
  { inputIds, places, mask, ends, rowOf, endMask }: PackedTexts,
  config: TextConfig,
  projection: number,
): Value {
  const [rows] = inputIds.shape;
  const length = lengthAt(inputIds.shape, 1);
  const [texts] = ends.shape;
  const width = config.hidden_size;
  const { table, positions } = embeddings(g, config);
  const used = slice(g, positions, [{ axis: 0, start: 0, end: length }]);
  const tokens = add(g, gather(g, table, inputIds), matMul(g, places, used));
  const pooling = {
    token: (x: Value) => reshape(g, matMul(g, ends, flattenToMatrix(g, x)), [texts, 1, width]),
    memory: (x: Value) => {
      const whole = reshape(g, x, [rows, length * width]);
      return reshape(g, matMul(g, rowOf, whole), [texts, length, width]);
    },
    mask: endMask,
  };
  return projected(g, transformer(g, tokens, NAME, config, pooling, mask), config, projection);
}

function embeddings(g: Graph, { vocab_size, max_position_embeddings, hidden_size: width }: TextConfig) {
  const name = (part: string) => `${NAME}.embeddings.${part}.weight`;
  return {
    table: g.parameter(name('token_embedding'), [vocab_size, width], normal(0.02)),
    positions: g.parameter(name('position_embedding'), [max_position_embeddings, width], normal(0.01)),
  };
}

/** hidden [b, 1, d] → [b, projection]. */
function projected(g: Graph, hidden: Value, config: TextConfig, projection: number): Value {
  const width = config.hidden_size;
  const normed = layerNorm(g, hidden, `${NAME}.final_layer_norm`, config.layer_norm_eps);
  const pooled = reshape(g, normed, [hidden.shape[0], width]);
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
  const length = lengthAt(inputIds.shape, 1);
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

// CLIP's text transformer (Radford et al. 2021, section 2.4): token and position embeddings, blocks with a causal mask, a last
// norm, and the vector at the end-of-text token projected into the space that both towers share.

import type { TextConfig } from '../clip/config.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { add, argMax, cast, equal, gather, lengthOf, matMul, reshape, sliceTo } from '../onnx/operators.ts';
import { layerNorm, linear, normal, transformer } from './layers.ts';

const NAME = 'text_model';

/** Added to a score that must not count: e^-10000 is 0 in fp32, and the number still fits fp16, unlike -∞ minus -∞. */
const MASKED = -10_000;

/** input_ids int64 [b, n], padded after the end token → text_embeds [b, projection], not normalised. */
export function textTransformer(g: Graph, inputIds: Value, config: TextConfig, projection: number): Value {
  const [batch, sequence] = inputIds.shape;
  const { hidden_size: width, max_position_embeddings: contextLength } = config;
  const length = lengthOf(g, inputIds, 1);

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
  const tokens = add(g, gather(g, table, inputIds), sliceTo(g, positions, 0, length, sequence));

  const mask = sliceTo(g, sliceTo(g, causalMask(g, contextLength), 0, length, sequence), 1, length, sequence);
  const hidden = transformer(g, tokens, NAME, config, mask);
  const normed = layerNorm(g, hidden, `${NAME}.final_layer_norm`, config.layer_norm_eps);

  const places = g.integers(Array.from({ length: contextLength }, (_, i) => i));
  const chosen = equal(g, endOfText(g, inputIds, config), sliceTo(g, places, 0, length, sequence));
  const pick = reshape(g, cast(g, chosen, 'float32'), [batch, 1, sequence]);
  const pooled = reshape(g, matMul(g, pick, normed), [batch, width]);
  return linear(g, pooled, 'text_projection', projection, { std: width ** -0.5, bias: false });
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

// CLIP's modified ResNet (Radford et al. 2021, section 2.4; openai/CLIP, clip/model.py, ModifiedResNet): a stem of three
// convolutions, strides that are an average pool before a convolution (antialiased), and attention in place of the last pool.
// Tensors bear OpenAI's names, since Hugging Face has none for this tower. Beside the paper's bottlenecks it can be built of
// basic blocks (He et al. 2016), which small pictures and few channels are better served by.

import type { ModifiedResNetConfig } from '../clip/config.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { add, averagePool, concat, reduceMean, relu, reshape, slice, transpose } from '../onnx/operators.ts';
import { lengthAt } from '../onnx/shapes.ts';
import { convolutionNorm } from './batch-norm.ts';
import { attend, normal } from './layers.ts';

const NAME = 'visual';

/** Output channels of a bottleneck over its inner ones. */
const EXPANSION = { bottleneck: 4, basic: 1 } as const;

/** pixel_values [b, 3, s, s] → image_embeds [b, projection], not normalised. */
export function modifiedResNet(
  g: Graph,
  pixelValues: Value,
  config: ModifiedResNetConfig,
  projection: number,
): Value {
  let x = stem(g, pixelValues, config);
  for (const [stage, blocks] of config.layers.entries()) {
    for (let block = 0; block < blocks; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const name = `${NAME}.layer${stage + 1}.${block}`;
      x = residual(g, x, name, { channels: config.width * 2 ** stage, stride, kind: config.block });
    }
  }
  return attentionPool(g, x, config, projection);
}

function stem(g: Graph, pixelValues: Value, { width, stem_pool }: ModifiedResNetConfig): Value {
  const layer = (x: Value, i: number, channels: number, stride = 1) =>
    relu(g, convolutionNorm(g, x, [`${NAME}.conv${i}`, `${NAME}.bn${i}`], { channels, kernel: 3, stride }));
  const half = layer(pixelValues, 1, width / 2, 2);
  const whole = layer(layer(half, 2, width / 2), 3, width);
  return stem_pool ? averagePool(g, whole, 2) : whole;
}

interface Block {
  /** Of the block's 3×3 convolutions. */
  readonly channels: number;
  readonly stride: number;
  readonly kind: ModifiedResNetConfig['block'];
}

function residual(g: Graph, x: Value, name: string, { channels, stride, kind }: Block): Value {
  const layer = (from: Value, i: number, width: number, kernel: number, gain = 1) =>
    convolutionNorm(g, from, [`${name}.conv${i}`, `${name}.bn${i}`], { channels: width, kernel, gain });
  const pooled = (from: Value) => (stride > 1 ? averagePool(g, from, stride) : from);
  const width = channels * EXPANSION[kind];
  // The last norm's gain starts at zero, and so the block as the identity (openai/CLIP, initialize_parameters).
  const branch =
    kind === 'bottleneck'
      ? layer(pooled(relu(g, layer(relu(g, layer(x, 1, channels, 1)), 2, channels, 3))), 3, width, 1, 0)
      : layer(pooled(relu(g, layer(x, 1, channels, 3))), 2, width, 3, 0);
  const shortcut =
    stride > 1 || x.shape[1] !== width
      ? convolutionNorm(g, pooled(x), [`${name}.downsample.0`, `${name}.downsample.1`], {
          channels: width,
          kernel: 1,
        })
      : x;
  return relu(g, add(g, branch, shortcut));
}

/** [b, c, h, w] → [b, projection]: the mean asks once what it should see of the picture's places and of itself. */
function attentionPool(g: Graph, x: Value, config: ModifiedResNetConfig, projection: number): Value {
  const [batch] = x.shape;
  const name = `${NAME}.attnpool`;
  const c = lengthAt(x.shape, 1);
  const places = lengthAt(x.shape, 2) * lengthAt(x.shape, 3);
  const tokens = transpose(g, reshape(g, x, [batch, c, places]), [0, 2, 1]);
  const positions = g.parameter(`${name}.positional_embedding`, [places + 1, c], normal(c ** -0.5));
  const all = add(g, concat(g, [reduceMean(g, tokens, [1]), tokens], 1), positions);
  const mean = slice(g, all, [{ axis: 1, start: 0, end: 1 }]);
  const std = c ** -0.5;
  const pooled = attend(g, mean, all, name, {
    width: c,
    heads: config.num_attention_heads,
    std,
    output: { name: 'c_proj', width: projection, std },
  });
  return reshape(g, pooled, [batch, projection]);
}

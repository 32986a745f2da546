// The sizes of a CLIP, as they follow from the shapes of its weights (openai/CLIP, clip/model.py, build_model). What no shape tells is
// the activation, and the heads, of which the published models have one for every 64 numbers.

import { type ClipConfig, parseClipConfig, type TextConfig } from '../../clip/config.ts';
import type { TensorInfo } from '../../clip/safetensors.ts';

/** Numbers that each attention head of the published models has. */
const HEAD_WIDTH = 64;
/** What the paper's ResNets shrink a picture by before their attention pool. */
const RESNET_STRIDE = 32;
/** One more than a configuration may have: a name can speak of any number of them. */
const MOST_STAGES = 9;

type Shapes = ReadonlyMap<string, TensorInfo>;

/** What a configuration may say beside the weights. */
interface Told {
  readonly hiddenAct: TextConfig['hidden_act'];
  readonly visionHeadWidth?: number;
  readonly textHeads?: number;
}

/**
 * @param tensors under our names
 * @param fileName for messages
 * @throws a sentence where a tensor is missing that says a size
 */
export function inferConfig(tensors: Shapes, told: Told, fileName: string): ClipConfig {
  const { hiddenAct, visionHeadWidth = HEAD_WIDTH } = told;
  const shapeOf = (name: string, axes: number): readonly number[] => {
    const shape = tensors.get(name)?.shape;
    if (shape?.length === axes) return shape;
    throw new Error(
      `${fileName} was refused: ${name} ${shape ? `has the shape [${shape.join(', ')}]` : 'is missing'}; a CLIP's weights have it with ${axes} ${axes === 1 ? 'axis' : 'axes'}. Name a checkpoint of a whole CLIP.`,
    );
  };
  const [vocabulary, textWidth] = shapeOf('text_model.embeddings.token_embedding.weight', 2);
  const [context] = shapeOf('text_model.embeddings.position_embedding.weight', 2);
  const [projection] = shapeOf('text_projection.weight', 2);
  return parseClipConfig(
    {
      model_type: 'clip',
      projection_dim: projection,
      text_config: {
        hidden_size: textWidth,
        intermediate_size: shapeOf('text_model.encoder.layers.0.mlp.fc1.weight', 2)[0],
        num_hidden_layers: countOf(tensors, /^text_model\.encoder\.layers\.(\d+)\./),
        num_attention_heads: told.textHeads ?? headsOf(textWidth, HEAD_WIDTH),
        max_position_embeddings: context,
        vocab_size: vocabulary,
        hidden_act: hiddenAct,
        bos_token_id: vocabulary - 2,
        eos_token_id: vocabulary - 1,
      },
      vision_config: tensors.has('visual.conv1.weight')
        ? resNet(tensors, shapeOf, visionHeadWidth)
        : visionTransformer(tensors, shapeOf, { hiddenAct, headWidth: visionHeadWidth }),
    },
    `The configuration that follows from ${fileName}`,
  );
}

type ShapeOf = (name: string, axes: number) => readonly number[];

function visionTransformer(
  tensors: Shapes,
  shapeOf: ShapeOf,
  { hiddenAct, headWidth }: { hiddenAct: TextConfig['hidden_act']; headWidth: number },
) {
  const [width, , patch] = shapeOf('vision_model.embeddings.patch_embedding.weight', 4);
  const [positions] = shapeOf('vision_model.embeddings.position_embedding.weight', 2);
  return {
    hidden_size: width,
    intermediate_size: shapeOf('vision_model.encoder.layers.0.mlp.fc1.weight', 2)[0],
    num_hidden_layers: countOf(tensors, /^vision_model\.encoder\.layers\.(\d+)\./),
    num_attention_heads: headsOf(width, headWidth),
    image_size: sideOf(positions) * patch,
    patch_size: patch,
    hidden_act: hiddenAct,
  };
}

function resNet(tensors: Shapes, shapeOf: ShapeOf, headWidth: number) {
  const [positions] = shapeOf('visual.attnpool.positional_embedding', 2);
  const [width] = shapeOf('visual.layer1.0.conv1.weight', 4);
  const stages = countOf(tensors, /^visual\.layer(\d+)\./) - 1;
  return {
    model_type: 'modified_resnet',
    image_size: sideOf(positions) * RESNET_STRIDE,
    layers: Array.from({ length: Math.min(stages, MOST_STAGES) }, (_, i) =>
      countOf(tensors, new RegExp(`^visual\\.layer${i + 1}\\.(\\d+)\\.`)),
    ),
    width,
    block: tensors.has('visual.layer1.0.conv3.weight') ? 'bottleneck' : 'basic',
    // Of the attention pool, whose width is 32 times that of the first stage's convolutions.
    num_attention_heads: headsOf(32 * width, headWidth),
  };
}

const headsOf = (width: number, headWidth: number): number => Math.max(1, Math.floor(width / headWidth));

/** Of the square of patches, beside which the class token has a position too. */
const sideOf = (positions: number): number => Math.round(Math.sqrt(Math.max(0, positions - 1)));

/** One more than the largest number that the names have in a place. */
function countOf(tensors: Shapes, pattern: RegExp): number {
  let largest = -1;
  for (const name of tensors.keys()) largest = Math.max(largest, Number(name.match(pattern)?.[1] ?? -1));
  return largest + 1;
}

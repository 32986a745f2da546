// A network in the words of its settings, and how many numbers it learns.

import { type ClipConfig, isModifiedResNet } from '../../clip/config.ts';
import { textEncoder, visionEncoder } from '../../networks/clip.ts';
import type { Graph } from '../../onnx/graph.ts';
import { sizeOf } from '../../onnx/shapes.ts';
import { LOSSES, type LossName } from '../contrastive-loss.ts';

/** Pairs of what and how much. */
export function networkFacts(config: ClipConfig, loss: LossName): [string, string][] {
  const { text_config: text, projection_dim } = config;
  const [image, words] = [learned(visionEncoder(config)), learned(textEncoder(config))];
  // The temperature, and the bias where the loss has one.
  const inNeitherTower = LOSSES[loss].start.logitBias === null ? 1 : 2;
  return [
    ['Parameters', `${(image + words + inNeitherTower).toLocaleString('en')}`],
    ['Image tower', `${imageTower(config)}; ${millions(image)}`],
    [
      'Text tower',
      `transformer, ${text.num_hidden_layers} layers of width ${text.hidden_size}, ${text.max_position_embeddings} of ${text.vocab_size.toLocaleString('en')} tokens; ${millions(words)}`,
    ],
    ['Shared space', `${projection_dim} dimensions`],
  ];
}

function imageTower({ vision_config: vision }: ClipConfig): string {
  const picture = `pictures of ${vision.image_size} × ${vision.image_size}`;
  if (isModifiedResNet(vision)) {
    return `modified ResNet, stages of ${vision.layers.join(', ')} blocks, width ${vision.width}, ${picture}`;
  }
  const { num_hidden_layers, hidden_size, patch_size, stem_channels } = vision;
  const stem = stem_channels ? `, convolutional stem of ${stem_channels.join(', ')} channels` : '';
  return `vision transformer, ${num_hidden_layers} layers of width ${hidden_size}, ${picture} in patches of ${patch_size}${stem}`;
}

function learned(graph: Graph): number {
  let count = 0;
  for (const { shape, trainable } of graph.parameters.values()) if (trainable) count += sizeOf(shape);
  return count;
}

function millions(count: number): string {
  return count < 1e5
    ? `${count.toLocaleString('en')} parameters`
    : `${(count / 1e6).toFixed(1)} million parameters`;
}

// The networks whose training steps are measured: the default one, in both precisions that ours is multiplied in, and modified ResNets
// of both kinds of blocks, of similar cost, beside the default one's text tower.

import { type ClipConfig, parseClipConfig } from '../../models/clip/config.ts';
import { DEFAULT_CONFIG } from '../../models/train/default-config.ts';
import type { Precision } from '../../models/train/graph-session.ts';

export interface BenchNetwork {
  readonly title: string;
  readonly config: ClipConfig;
  /** Of our products: see models/onnx/int8-products.ts. */
  readonly precision: Precision;
  /** Least speed, in that of PyTorch in fp32. */
  readonly floor: number;
  /** Memory layouts of pictures that PyTorch is measured with: it computes convolutions faster with channels last. */
  readonly layouts: readonly Layout[];
  /** What captions PyTorch is measured with: as its tokenizers pad them, and cut as ours are. */
  readonly captions: readonly Captions[];
}

/** Padded to all that the network could read, or to the batch's longest. */
export type Captions = 'whole' | 'cut';

export type Layout = 'contiguous' | 'channels_last';

const VISION_TRANSFORMER = {
  config: DEFAULT_CONFIG,
  floor: 1.5,
  layouts: ['contiguous'],
  captions: ['whole', 'cut'],
} as const;

export const NETWORKS: readonly BenchNetwork[] = [
  { title: 'vision transformer', precision: 'fp32', ...VISION_TRANSFORMER },
  { title: 'vision transformer, --precision int8', precision: 'int8', ...VISION_TRANSFORMER },
  resNet('basic', { width: 64, num_attention_heads: 8 }),
  resNet('bottleneck', { width: 48, num_attention_heads: 24 }),
];

function resNet(
  block: 'basic' | 'bottleneck',
  size: { readonly width: number; readonly num_attention_heads: number },
): BenchNetwork {
  const title = `modified ResNet, ${block === 'basic' ? 'basic blocks' : 'bottlenecks'}`;
  const vision_config = {
    model_type: 'modified_resnet',
    image_size: DEFAULT_CONFIG.vision_config.image_size,
    layers: [2, 2, 2, 2],
    block,
    stem_pool: false,
    ...size,
  };
  return {
    title,
    config: parseClipConfig({ ...DEFAULT_CONFIG, vision_config }, title),
    precision: 'fp32',
    floor: 0.8,
    layouts: ['contiguous', 'channels_last'],
    captions: ['cut'],
  };
}

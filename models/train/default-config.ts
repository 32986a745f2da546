// The network that training starts from where no --model names another: a CLIP for small pictures and one machine. The
// convolutional stem and the width are what ten million parameters and a download of twelve megabytes allow.

import { parseClipConfig } from '../clip/config.ts';

export const DEFAULT_CONFIG = parseClipConfig(
  {
    model_type: 'clip',
    projection_dim: 256,
    vision_config: {
      image_size: 64,
      patch_size: 8,
      hidden_size: 256,
      intermediate_size: 1024,
      num_hidden_layers: 6,
      num_attention_heads: 4,
      stem_channels: [32, 64, 128],
    },
    text_config: {
      hidden_size: 256,
      intermediate_size: 1024,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      max_position_embeddings: 32,
      vocab_size: 6144,
      bos_token_id: 6142,
      eos_token_id: 6143,
    },
  },
  'the default network',
);

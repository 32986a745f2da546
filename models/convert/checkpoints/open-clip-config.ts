// open_clip_config.json, or one of the files of open_clip's model_configs: what the weights do not say themselves. All else in it
// (timm towers, other pooling) shows in tensors that our networks do not have, and is refused there.

import * as v from 'valibot';
import { checked, plainObject } from '../../clip/checked.ts';
import type { TextConfig } from '../../clip/config.ts';
import type { Preprocessing } from '../../clip/types.ts';

const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const three = v.tuple([v.number(), v.number(), v.number()]);

const Model = v.object({
  embed_dim: positive,
  vision_cfg: v.object({ width: v.optional(positive), head_width: v.optional(positive) }),
  text_cfg: v.object({ heads: v.optional(positive) }),
  quick_gelu: v.optional(v.boolean(), false),
});
const File = plainObject({
  model_cfg: v.optional(Model),
  preprocess_cfg: v.optional(
    v.object({
      mean: v.optional(three),
      std: v.optional(three),
      interpolation: v.optional(v.picklist(['bicubic', 'bilinear'])),
      resize_mode: v.optional(v.literal('shortest')),
    }),
  ),
});

export interface OpenClipConfig {
  readonly hiddenAct: TextConfig['hidden_act'];
  /** Numbers of each of the image tower's attention heads. */
  readonly visionHeadWidth?: number;
  readonly textHeads?: number;
  readonly preprocessing: Partial<Pick<Preprocessing, 'mean' | 'std' | 'resample'>>;
}

export function parseOpenClipConfig(json: unknown, fileName: string): OpenClipConfig {
  const { model_cfg, preprocess_cfg = {} } = checked(File, json, fileName);
  const { vision_cfg, text_cfg, quick_gelu } = model_cfg ?? checked(Model, json, fileName);
  const { mean, std, interpolation } = preprocess_cfg;
  return {
    hiddenAct: quick_gelu ? 'quick_gelu' : 'gelu',
    visionHeadWidth: vision_cfg.head_width,
    textHeads: text_cfg.heads,
    preprocessing: { mean, std, resample: interpolation },
  };
}

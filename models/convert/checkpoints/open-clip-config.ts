// open_clip_config.json, or one of the files of open_clip's model_configs: what the weights do not say themselves, and what our
// networks do not do though they would take the weights. All else in it (timm towers, attentional pooling) shows in tensors that
// they do not have, and is refused there.

import * as v from 'valibot';
import { checked, plainObject } from '../../clip/checked.ts';
import type { TextConfig } from '../../clip/config.ts';
import type { Preprocessing } from '../../clip/types.ts';

const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const three = v.tuple([v.number(), v.number(), v.number()]);

const asClip = (expected: string) => (issue: { readonly received: string }) =>
  `expected ${expected}, as in CLIP's own networks, but found ${issue.received}`;
const never = v.nullish(v.literal(false, asClip('false')));
const pooling = (...known: readonly string[]) => v.nullish(v.picklist(known, asClip(known.join(' or '))));
/** Of activations and norms: another approximation, another epsilon. */
const nothing = v.nullish(v.strictObject({}));
const kwargs = { act_kwargs: nothing, norm_kwargs: nothing };

const Model = v.object({
  embed_dim: positive,
  vision_cfg: v.object({
    head_width: v.optional(positive),
    global_average_pool: never,
    pool_type: pooling('tok'),
    ...kwargs,
  }),
  text_cfg: v.object({
    heads: v.optional(positive),
    no_causal_mask: never,
    pool_type: pooling('argmax', 'eos'),
    ...kwargs,
  }),
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

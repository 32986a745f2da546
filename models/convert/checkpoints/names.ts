// What OpenAI's and open_clip's checkpoints call the tensors of a CLIP, and what Hugging Face's CLIPModel and we call them. Names
// that are ours already stand for themselves: Hugging Face's, and the modified ResNet's, for which there are OpenAI's alone.

import { shown } from '../../clip/checked.ts';

/** `{i}` stands for a number, `{p}` for weight or bias. */
export interface Renaming {
  readonly from: string;
  /** Several where the checkpoint has them stacked along its first axis. */
  readonly to: string | readonly string[];
  /** A matrix that is multiplied by from the other side. */
  readonly transposed?: true;
}

/** openai/CLIP, clip/model.py, ResidualAttentionBlock; transformers, modeling_clip.py, CLIPEncoderLayer. */
const block = (from: string, to: string): Renaming[] => [
  { from: `${from}.ln_1.{p}`, to: `${to}.layer_norm1.{p}` },
  {
    from: `${from}.attn.in_proj_weight`,
    to: ['q', 'k', 'v'].map((part) => `${to}.self_attn.${part}_proj.weight`),
  },
  {
    from: `${from}.attn.in_proj_bias`,
    to: ['q', 'k', 'v'].map((part) => `${to}.self_attn.${part}_proj.bias`),
  },
  { from: `${from}.attn.out_proj.{p}`, to: `${to}.self_attn.out_proj.{p}` },
  { from: `${from}.ln_2.{p}`, to: `${to}.layer_norm2.{p}` },
  { from: `${from}.mlp.c_fc.{p}`, to: `${to}.mlp.fc1.{p}` },
  { from: `${from}.mlp.c_proj.{p}`, to: `${to}.mlp.fc2.{p}` },
];

const VISION = 'vision_model';
const VISION_TRANSFORMER: readonly Renaming[] = [
  { from: 'visual.conv1.weight', to: `${VISION}.embeddings.patch_embedding.weight` },
  { from: 'visual.class_embedding', to: `${VISION}.embeddings.class_embedding` },
  { from: 'visual.positional_embedding', to: `${VISION}.embeddings.position_embedding.weight` },
  // Hugging Face spells it so.
  { from: 'visual.ln_pre.{p}', to: `${VISION}.pre_layrnorm.{p}` },
  ...block('visual.transformer.resblocks.{i}', `${VISION}.encoder.layers.{i}`),
  { from: 'visual.ln_post.{p}', to: `${VISION}.post_layernorm.{p}` },
  { from: 'visual.proj', to: 'visual_projection.weight', transposed: true },
];

const TEXT = 'text_model';
const TEXT_TRANSFORMER: readonly Renaming[] = [
  { from: 'token_embedding.weight', to: `${TEXT}.embeddings.token_embedding.weight` },
  { from: 'positional_embedding', to: `${TEXT}.embeddings.position_embedding.weight` },
  ...block('transformer.resblocks.{i}', `${TEXT}.encoder.layers.{i}`),
  { from: 'ln_final.{p}', to: `${TEXT}.final_layer_norm.{p}` },
  { from: 'text_projection', to: 'text_projection.weight', transposed: true },
];

/** Numbers and masks that checkpoints carry beside the weights. */
const NO_WEIGHTS =
  /(^|\.)(input_resolution|context_length|vocab_size|position_ids|attn_mask|num_batches_tracked)$/;

/** What wraps put before every name: torch's DistributedDataParallel, torch.compile. */
const WRAPPERS = /^(?:module\.|_orig_mod\.)+/;
/** open_clip's models with a text tower of their own class have that tower below `text.`. */
const TEXT_TOWER =
  /^text\.(?=(?:transformer\.resblocks|token_embedding|positional_embedding|ln_final|text_projection)\b)/;

/** Where in a checkpoint a tensor of ours is. */
export interface Origin {
  /** The checkpoint's name for it. */
  readonly name: string;
  /** Which of how many equal parts along the first axis. */
  readonly part?: { readonly index: number; readonly of: number };
  readonly transposed?: true;
}

/**
 * Our names for a checkpoint's tensors, each with where it comes from. A name that no table knows is taken as it is: whether the
 * network has such a tensor is found out when it is asked.
 *
 * @throws a sentence with `fileName` where two tensors are the same of ours: nobody could say which is meant
 */
export function originsOf(names: Iterable<string>, fileName: string): Map<string, Origin> {
  const bare = Array.from(names, (name) => ({
    name,
    plain: name.replace(WRAPPERS, '').replace(TEXT_TOWER, ''),
  }));
  const hasResNet = bare.some(({ plain }) => plain.startsWith('visual.layer1.'));
  const tables = [...(hasResNet ? [] : VISION_TRANSFORMER), ...TEXT_TRANSFORMER].map((renaming) => ({
    ...renaming,
    pattern: new RegExp(
      `^${renaming.from.replaceAll('.', '\\.').replace('{i}', '(?<i>\\d+)').replace('{p}', '(?<p>weight|bias)')}$`,
    ),
  }));
  const origins = new Map<string, Origin>();
  const enter = (ours: string, origin: Origin) => {
    const other = origins.get(ours);
    if (other) {
      throw new Error(
        `${fileName} was refused: it holds both ${shown(other.name)} and ${shown(origin.name)}, of which a CLIP has one. Save it anew with the one that counts.`,
      );
    }
    origins.set(ours, origin);
  };
  for (const { name, plain } of bare) {
    if (NO_WEIGHTS.test(plain)) continue;
    const found = tables.flatMap((table) => {
      const match = plain.match(table.pattern);
      return match ? [{ ...table, groups: match.groups }] : [];
    })[0];
    if (!found) {
      enter(plain, { name });
      continue;
    }
    const { to, transposed, groups = {} } = found;
    const filled = (target: string) => target.replace(/\{(\w)\}/g, (_, key: string) => groups[key] ?? '');
    if (typeof to === 'string') enter(filled(to), { name, ...(transposed && { transposed }) });
    else
      for (const [index, each] of to.entries()) enter(filled(each), { name, part: { index, of: to.length } });
  }
  return origins;
}

// config.json of a CLIP folder, as Hugging Face's CLIPConfig writes it, under the same names: the object is the file, checked
// and with CLIPConfig's defaults filled in. Four fields are ours and other readers pass over them: `logit_scale`,
// `prompt_templates`, `vision_config.stem_channels` and `architecture_note`. So is a vision_config of the model_type
// `modified_resnet`, the paper's other image tower, for which Hugging Face has no class.
//
// `architectures` says whether Hugging Face's CLIPModel can load the folder's model.safetensors: `CLIPModel` where it can. Where
// the network has what no class of theirs has, a name stands there that is no class, so that nobody takes it for one, and
// `architecture_note` says in a sentence what is different.
//
// Known legacies are taken as they are: bos 0 and eos 2 in CLIP's own files (the text is then pooled at the largest id, as
// Hugging Face does), and `text_config_dict` / `vision_config_dict`, which win over the sections without `_dict`.

import * as v from 'valibot';
import { checked, noList, plainObject, quoted } from './checked.ts';
import { hasPlace } from './prompts.ts';

/** A pixel_values tensor takes 12 bytes a pixel; the largest published CLIP sees 448 pixels. */
export const MAX_IMAGE_SIZE = 4096;
/** Far beyond any published CLIP (48 layers, 49,408 tokens); keeps a damaged number from becoming an allocation. */
const MAX_WIDTH = 65_536;
const MAX_LAYERS = 1_000;
const MAX_VOCABULARY = 1_000_000;

/** Far beyond any trained scale (at most ln 100); e to the power of it is neither 0 nor infinite. */
const MAX_LOG_SCALE = 20;
/** What a logit_scale, which is a logarithm, may be. */
export const logarithm = v.pipe(v.number(), v.minValue(-MAX_LOG_SCALE), v.maxValue(MAX_LOG_SCALE));

/** CLIP clips its scale at this while training (Radford et al. 2021, section 2.5), and its published models ended there. */
export const MAX_LOGIT_SCALE = 100;
/** What a cosine is multiplied by, from its trained logarithm. */
export const logitScaleOf = (logarithm: number): number => Math.min(Math.exp(logarithm), MAX_LOGIT_SCALE);

const count = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));
const tokenId = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Defaults of both towers, as CLIPTextConfig and CLIPVisionConfig have them. */
const transformer = {
  num_hidden_layers: v.optional(count(MAX_LAYERS), 12),
  /** `gelu` is the exact one (erf); `quick_gelu` is x · sigmoid(1.702 x), OpenAI's. */
  hidden_act: v.optional(v.picklist(['quick_gelu', 'gelu']), 'quick_gelu'),
  layer_norm_eps: v.optional(v.pipe(v.number(), v.gtValue(0), v.ltValue(1)), 1e-5),
};

const imageSize = v.optional(count(MAX_IMAGE_SIZE), 224);

const visionTransformerFields = v.object({
  ...transformer,
  hidden_size: v.optional(count(MAX_WIDTH), 768),
  intermediate_size: v.optional(count(MAX_WIDTH), 3072),
  num_attention_heads: v.optional(count(MAX_WIDTH), 12),
  image_size: imageSize,
  patch_size: v.optional(count(MAX_IMAGE_SIZE), 32),
  /** Ours: output channels of 3×3 convolutions of stride 2 before the patches, which then span patch_size / 2^n of their pixels. */
  stem_channels: v.optional(v.array(count(MAX_WIDTH))),
});

/** Defaults: RN50's. */
const modifiedResNetFields = v.object({
  model_type: v.literal('modified_resnet'),
  image_size: imageSize,
  /** Blocks in each stage; each stage after the first halves the picture and doubles the channels. */
  layers: v.optional(v.pipe(v.array(count(MAX_LAYERS)), v.minLength(1), v.maxLength(8)), [3, 4, 6, 3]),
  /** Channels of the first stage's 3×3 convolutions; the stem begins with half of them. */
  width: v.optional(v.pipe(count(MAX_WIDTH), v.multipleOf(2)), 64),
  /** `bottleneck` is the paper's, with four times the channels behind it; `basic` has two 3×3 convolutions. */
  block: v.optional(v.picklist(['bottleneck', 'basic']), 'bottleneck'),
  /** Whether the stem ends in a 2×2 average pool; small pictures do better without. */
  stem_pool: v.optional(v.boolean(), true),
  /** Of the attention pool. */
  num_attention_heads: v.optional(count(MAX_WIDTH), 32),
});

const textFields = v.object({
  ...transformer,
  hidden_size: v.optional(count(MAX_WIDTH), 512),
  intermediate_size: v.optional(count(MAX_WIDTH), 2048),
  num_attention_heads: v.optional(count(MAX_WIDTH), 8),
  max_position_embeddings: v.optional(count(MAX_WIDTH), 77),
  vocab_size: v.optional(count(MAX_VOCABULARY), 49_408),
  bos_token_id: v.optional(tokenId, 49_406),
  /** 2 is the legacy: the end of the text is then the largest id, whatever it is. */
  eos_token_id: v.optional(tokenId, 49_407),
  pad_token_id: v.nullish(tokenId),
});

const VisionSection = v.pipe(
  noList,
  v.lazy((section) =>
    (section as { model_type?: unknown })?.model_type === 'modified_resnet'
      ? modifiedResNetFields
      : visionTransformerFields,
  ),
);
const TextSection = v.pipe(noList, textFields);

/** Each label is encoded in each of them; OpenAI's ensemble for ImageNet has 80. */
const MAX_TEMPLATES = 1000;
const template = v.pipe(
  v.string(),
  v.check(hasPlace, (issue) => `${quoted(issue.input)} has no {} where the label goes`),
);

const model_type = v.literal('clip');
const promptTemplates = v.pipe(v.array(template), v.minLength(1), v.maxLength(MAX_TEMPLATES));

const ConfigFile = plainObject({
  model_type,
  projection_dim: v.optional(count(MAX_WIDTH), 512),
  logit_scale_init_value: v.optional(v.number(), 2.6592),
  /** Ours: the trained logarithm of the scale that a cosine is multiplied by. */
  logit_scale: v.optional(logarithm),
  /** Ours: the templates that the model is to be used with. */
  prompt_templates: v.optional(promptTemplates),
  vision_config: v.nullish(VisionSection),
  vision_config_dict: v.nullish(VisionSection),
  text_config: v.nullish(TextSection),
  text_config_dict: v.nullish(TextSection),
});

export type VisionTransformerConfig = v.InferOutput<typeof visionTransformerFields>;
export type ModifiedResNetConfig = v.InferOutput<typeof modifiedResNetFields>;
export type VisionConfig = VisionTransformerConfig | ModifiedResNetConfig;
export type TextConfig = v.InferOutput<typeof textFields>;

type ConfigFile = v.InferOutput<typeof ConfigFile>;

const statedSection = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.nullish(v.pipe(noList, v.object(entries)));
const StatedVision = statedSection({ image_size: v.nullish(count(MAX_IMAGE_SIZE)) });
const StatedText = statedSection({
  max_position_embeddings: v.nullish(count(MAX_WIDTH)),
  vocab_size: v.nullish(count(MAX_VOCABULARY)),
  bos_token_id: v.nullish(tokenId),
  eos_token_id: v.nullish(tokenId),
});
const FolderConfigFile = plainObject({
  model_type,
  projection_dim: v.nullish(count(MAX_WIDTH)),
  logit_scale: v.nullish(logarithm),
  prompt_templates: v.nullish(promptTemplates),
  vision_config: StatedVision,
  vision_config_dict: StatedVision,
  text_config: StatedText,
  text_config_dict: StatedText,
});
type FolderConfigFile = v.InferOutput<typeof FolderConfigFile>;

/**
 * What a model's user needs to know of its config.json: the rest is in the graphs. A field that the file leaves out is not known
 * here, and has no default: some exporters write no more than `model_type`.
 */
export interface FolderConfig
  extends Pick<FolderConfigFile, 'projection_dim' | 'logit_scale' | 'prompt_templates'> {
  readonly vision_config: NonNullable<FolderConfigFile['vision_config']>;
  readonly text_config: NonNullable<FolderConfigFile['text_config']>;
}

/** What follows from the rest, and is written for others. */
interface Architecture {
  architectures: string[];
  architecture_note?: string;
}

/** A whole config.json: `JSON.stringify` of it is a file that we and Hugging Face read. */
export interface ClipConfig
  extends Omit<ConfigFile, 'vision_config' | 'vision_config_dict' | 'text_config' | 'text_config_dict'>,
    Architecture {
  vision_config: VisionConfig;
  text_config: TextConfig;
}

/** Checks a config.json; throws a sentence with `fileName`, the field and the reason where it contradicts itself. */
export function parseClipConfig(json: unknown, fileName: string): ClipConfig {
  const { vision_config, vision_config_dict, text_config, text_config_dict, ...rest } = checked(
    ConfigFile,
    json,
    fileName,
  );
  const vision = vision_config_dict ?? vision_config ?? v.getDefaults(visionTransformerFields);
  const config: ClipConfig = {
    ...architecture(vision),
    ...rest,
    vision_config: vision,
    text_config: text_config_dict ?? text_config ?? v.getDefaults(textFields),
  };
  const reason = contradiction(config);
  if (reason) throw new Error(`${fileName} was refused: ${reason}.`);
  return config;
}

function architecture(vision: VisionConfig): Architecture {
  const unlike = unlikeClipModel(vision);
  if (unlike === null) return { architectures: ['CLIPModel'] };
  return {
    architectures: ['PromptlensCLIPModel'],
    architecture_note: `CLIPModel of transformers cannot load model.safetensors: ${unlike}. The graphs in onnx/ are the whole network.`,
  };
}

function unlikeClipModel(vision: VisionConfig): string | null {
  if (isModifiedResNet(vision))
    return "vision_config is the paper's modified ResNet (visual.*), and transformers has the vision transformer alone";
  if (vision.stem_channels?.length)
    return 'vision_config.stem_channels are convolutions before the patches (vision_model.embeddings.stem.*), which it does not have';
  return null;
}

/** The same of a folder whose encoders are already made, with what it states alone. */
export function parseFolderConfig(json: unknown, fileName: string): FolderConfig {
  const { vision_config, vision_config_dict, text_config, text_config_dict, ...rest } = checked(
    FolderConfigFile,
    json,
    fileName,
  );
  const config: FolderConfig = {
    ...rest,
    vision_config: vision_config_dict ?? vision_config ?? {},
    text_config: text_config_dict ?? text_config ?? {},
  };
  const reason = textContradiction(config.text_config);
  if (reason) throw new Error(`${fileName} was refused: ${reason}.`);
  return config;
}

export function isModifiedResNet(vision: VisionConfig): vision is ModifiedResNetConfig {
  return 'layers' in vision;
}

/** Side of the square of patches that the vision transformer sees; its sequence is one longer than the square, for the class token. */
export function patchesPerSide(vision: VisionTransformerConfig): number {
  return vision.image_size / vision.patch_size;
}

function contradiction({ vision_config: vision, text_config: text }: ClipConfig): string | null {
  const reason = isModifiedResNet(vision) ? resNetContradiction(vision) : transformerContradiction(vision);
  if (reason) return reason;
  if (text.hidden_size % text.num_attention_heads !== 0) {
    return `text_config has ${text.num_attention_heads} attention heads, which do not divide its hidden_size ${text.hidden_size}`;
  }
  return textContradiction(text);
}

function textContradiction({
  vocab_size,
  bos_token_id,
  eos_token_id,
  max_position_embeddings: positions,
}: FolderConfig['text_config']): string | null {
  for (const [name, id] of Object.entries({ eos_token_id, bos_token_id })) {
    if (vocab_size != null && id != null && id >= vocab_size)
      return `text_config's ${name} ${id} lies outside its vocabulary of ${vocab_size} tokens`;
  }
  if (positions != null && positions < 2) {
    return `text_config's max_position_embeddings ${positions} leaves no room for start and end of a text`;
  }
  return null;
}

function transformerContradiction(vision: VisionTransformerConfig): string | null {
  if (vision.hidden_size % vision.num_attention_heads !== 0) {
    return `vision_config has ${vision.num_attention_heads} attention heads, which do not divide its hidden_size ${vision.hidden_size}`;
  }
  if (vision.image_size % vision.patch_size !== 0) {
    return `vision_config's image_size ${vision.image_size} is not a multiple of its patch_size ${vision.patch_size}`;
  }
  const stride = 2 ** (vision.stem_channels?.length ?? 0);
  if (vision.patch_size % stride !== 0) {
    return `vision_config's stem of ${vision.stem_channels?.length} convolutions shrinks pictures ${stride} times, which does not divide its patch_size ${vision.patch_size}`;
  }
  return null;
}

function resNetContradiction(vision: ModifiedResNetConfig): string | null {
  const { layers, width, block, stem_pool, num_attention_heads: heads, image_size: size } = vision;
  const shrinks = 2 ** (layers.length + (stem_pool ? 1 : 0));
  if (size % shrinks !== 0) {
    return `vision_config's image_size ${size} is not a multiple of ${shrinks}, which its stem and ${layers.length} stages shrink pictures by`;
  }
  const channels = width * 2 ** (layers.length - 1) * (block === 'bottleneck' ? 4 : 1);
  if (channels % heads !== 0) {
    return `vision_config has ${heads} attention heads, which do not divide the ${channels} channels of its last stage`;
  }
  return null;
}

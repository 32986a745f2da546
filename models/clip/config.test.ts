import { describe, expect, test } from 'vitest';
import { isModifiedResNet, parseClipConfig, patchesPerSide } from './config.ts';

/** openai/clip-vit-base-patch32's own file, in the parts that its readers use. */
const b32 = {
  architectures: ['CLIPModel'],
  model_type: 'clip',
  projection_dim: 512,
  logit_scale_init_value: 2.6592,
  text_config: { hidden_size: 512, bos_token_id: 0, eos_token_id: 2, model_type: 'clip_text_model' },
  text_config_dict: null,
  vision_config: { hidden_size: 768, patch_size: 32, image_size: 224, dropout: 0 },
  vision_config_dict: null,
};

/** A file of a model of our own. */
const tiny = {
  model_type: 'clip',
  projection_dim: 32,
  logit_scale_init_value: 2.6592,
  logit_scale: 4.25,
  prompt_templates: ['a photo of a {}.'],
  vision_config: {
    image_size: 32,
    patch_size: 8,
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-6,
    stem_channels: [8, 16],
  },
  text_config: {
    hidden_size: 24,
    intermediate_size: 48,
    num_hidden_layers: 1,
    num_attention_heads: 3,
    max_position_embeddings: 16,
    vocab_size: 600,
    hidden_act: 'quick_gelu',
    layer_norm_eps: 1e-5,
    bos_token_id: 598,
    eos_token_id: 599,
  },
};

const parse = (json: unknown) => parseClipConfig(json, 'mini/config.json');

describe('parseClipConfig', () => {
  test("fills in CLIPConfig's defaults and takes CLIP's own bos 0 and eos 2", () => {
    const config = parse(b32);
    expect(config.vision_config).toEqual({
      image_size: 224,
      patch_size: 32,
      hidden_size: 768,
      intermediate_size: 3072,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      hidden_act: 'quick_gelu',
      layer_norm_eps: 1e-5,
    });
    expect(config.text_config).toEqual({
      hidden_size: 512,
      intermediate_size: 2048,
      num_hidden_layers: 12,
      num_attention_heads: 8,
      max_position_embeddings: 77,
      vocab_size: 49408,
      hidden_act: 'quick_gelu',
      layer_norm_eps: 1e-5,
      bos_token_id: 0,
      eos_token_id: 2,
    });
    expect(isModifiedResNet(config.vision_config) ? 0 : patchesPerSide(config.vision_config)).toBe(7);
  });

  test('an empty file of type clip is ViT-B/32', () => {
    const config = parse({ model_type: 'clip' });
    expect(config.projection_dim).toBe(512);
    expect(config.text_config.eos_token_id).toBe(49407);
    expect(config.vision_config).toMatchObject({ hidden_size: 768 });
  });

  test('is the file: what was read can be written and read again', () => {
    expect(parse(tiny)).toMatchObject(tiny);
    expect(parse(JSON.parse(JSON.stringify(parse(tiny))))).toEqual(parse(tiny));
  });

  test('says whose class can load the weights, and why not where none can, whatever the file said before', () => {
    const { stem_channels: _, ...patches } = tiny.vision_config;
    expect(parse({ ...tiny, vision_config: patches, architecture_note: 'old' })).toMatchObject({
      architectures: ['CLIPModel'],
    });
    expect(parse({ ...tiny, vision_config: patches, architecture_note: 'old' })).not.toHaveProperty(
      'architecture_note',
    );
    expect(parse({ ...tiny, architectures: ['CLIPModel'] })).toMatchObject({
      architectures: ['PromptlensCLIPModel'],
      architecture_note: expect.stringMatching(/CLIPModel .* cannot load .*vision_config\.stem_channels/),
    });
    expect(parse({ ...tiny, vision_config: { model_type: 'modified_resnet' } })).toMatchObject({
      architectures: ['PromptlensCLIPModel'],
      architecture_note: expect.stringMatching(/modified ResNet/),
    });
  });

  test('text_config_dict wins, with its own defaults', () => {
    const config = parse({
      ...b32,
      text_config: { hidden_size: 640, num_attention_heads: 10 },
      text_config_dict: { hidden_size: 768, hidden_act: 'gelu' },
    });
    expect(config.text_config).toMatchObject({
      hidden_size: 768,
      num_attention_heads: 8,
      hidden_act: 'gelu',
    });
  });

  const vision = (part: object) => ({ ...tiny, vision_config: { ...tiny.vision_config, ...part } });
  const text = (part: object) => ({ ...tiny, text_config: { ...tiny.text_config, ...part } });
  test.each([
    [vision({ num_attention_heads: 5 }), /5 attention heads, which do not divide its hidden_size 32/],
    [text({ num_attention_heads: 5 }), /5 attention heads, which do not divide its hidden_size 24/],
    [vision({ image_size: 36 }), /image_size 36 is not a multiple of its patch_size 8/],
    [vision({ stem_channels: [8, 8, 8, 8] }), /shrinks pictures 16 times.*patch_size 8/],
    [text({ eos_token_id: 600 }), /eos_token_id 600 lies outside its vocabulary of 600/],
    [text({ bos_token_id: undefined }), /bos_token_id 49406 lies outside/],
    [text({ max_position_embeddings: 1 }), /no room/],
    [vision({ hidden_act: 'gelu_new' }), /vision_config\.hidden_act: .*gelu_new/],
    [vision({ patch_size: 7.5 }), /vision_config\.patch_size: /],
    [vision({ image_size: 1e6 }), /vision_config\.image_size: /],
    [{ ...tiny, model_type: 'siglip' }, /model_type: .*"clip".*"siglip"/],
    [{ ...tiny, prompt_templates: ['a photo'] }, /prompt_templates\.0: "a photo" has no \{\}/],
    [{ ...tiny, prompt_templates: [] }, /prompt_templates: /],
    [[], /expected an object, but found a list/],
    [{ ...tiny, vision_config: [] }, /vision_config: expected an object, but found a list/],
    [{ ...tiny, logit_scale: -1000 }, /logit_scale: .*-1000/],
    [null, /Expected Object/],
  ])('refuses a file that contradicts itself (%#)', (json, reason) => {
    expect(() => parse(json)).toThrow(/^mini\/config\.json was refused: /);
    expect(() => parse(json)).toThrow(reason);
  });
});

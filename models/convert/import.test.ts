// Checkpoints as PyTorch writes them, against openai/CLIP's own model: fixtures/make_checkpoints.py makes both.

import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClipConfig, ModifiedResNetConfig } from '../clip/config.ts';
import { readSafetensors, type Tensor, toFloat32, writeSafetensors } from '../clip/safetensors.ts';
import { learnVocabulary } from '../clip/vocabulary.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import type { Weights } from '../networks/weights.ts';
import type { Graph } from '../onnx/graph.ts';
import { toModel } from '../onnx/model-proto.ts';
import { openCheckpoint } from './checkpoints/open.ts';
import expected from './fixtures/checkpoints.json' with { type: 'json' };
import { importModel } from './import.ts';
import { readTrainedFolder } from './trained-folder.ts';

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name);

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'));
  await mkdir(at('tokenizer'));
  await writeFile(at('tokenizer', 'tokenizer.json'), JSON.stringify(learnVocabulary([], { vocabSize: 514 })));
});
afterAll(() => rm(folder, { recursive: true }));

const imported = (source: string, out: string) =>
  importModel({ source, out: at(out), tokenizer: at('tokenizer') });

async function run(graph: Graph, weights: Weights, feeds: Record<string, ort.Tensor>) {
  const session = await ort.InferenceSession.create(toModel(graph, weights), { intraOpNumThreads: 1 });
  const outputs = await session.run(feeds);
  await session.release();
  return Array.from(Object.values(outputs)[0].data as Float32Array);
}

/** The picture and the text of make_checkpoints.py. */
function inputsOf({ vision_config: { image_size: side } }: ClipConfig) {
  const count = 3 * side * side;
  const pixels = Float32Array.from({ length: count }, (_, i) => Math.sin(-1.5 + (3 * i) / (count - 1)));
  const ids = BigInt64Array.from([18, 3, 7, 11, 19, 0, 0, 0, 0], BigInt);
  return {
    pixel_values: new ort.Tensor('float32', pixels, [1, 3, side, side]),
    input_ids: new ort.Tensor('int64', ids, [1, 9]),
  };
}

describe.each([
  ['vision-transformer', 'vision-transformer-torchscript.pt'],
  ['vision-transformer', 'vision-transformer-training.pt'],
  ['modified-resnet', 'modified-resnet.pt'],
] as const)('%s of %s', (name, file) => {
  it('becomes a folder whose encoders give what openai/CLIP gives', async () => {
    await imported(fixture(file), file);
    const { config, weights, logitScale } = await readTrainedFolder(at(file));
    const { pixel_values, input_ids } = inputsOf(config);
    const found = {
      image_embeds: await run(visionEncoder(config), weights, { pixel_values }),
      text_embeds: await run(textEncoder(config), weights, { input_ids }),
    };
    for (const side of ['image_embeds', 'text_embeds'] as const) {
      for (const [i, value] of expected[name][side].entries()) expect(found[side][i]).toBeCloseTo(value, 5);
    }
    expect(logitScale).toBeCloseTo(1 / 0.07, 0);
    expect(await readdir(at(file))).toEqual([
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
      'tokenizer.json',
    ]);
    const { architectures } = JSON.parse(await readFile(at(file, 'config.json'), 'utf8'));
    expect(architectures).toEqual(name === 'vision-transformer' ? ['CLIPModel'] : ['PromptlensCLIPModel']);
  });
});

it('keeps each tensor in the type that the checkpoint has it in', async () => {
  await imported(fixture('vision-transformer-training.pt'), 'half');
  const bytes = new Uint8Array(await readFile(at('half', 'model.safetensors')));
  const tensors = readSafetensors(bytes, 'model.safetensors');
  expect(tensors.get('visual_projection.weight')?.dtype).toBe('F16');
  expect(tensors.get('vision_model.post_layernorm.weight')?.dtype).toBe('F32');
  expect([...tensors.keys()].filter((name) => name.startsWith('visual.'))).toEqual([]);
});

describe('safetensors', () => {
  const tensorsOf = async () => {
    await imported(fixture('vision-transformer-training.pt'), 'source').catch(() => null);
    const bytes = new Uint8Array(await readFile(at('source', 'model.safetensors')));
    return readSafetensors(bytes, 'model.safetensors');
  };

  it('in several files with an index are the same as in one', async () => {
    const tensors = await tensorsOf();
    const names = [...tensors.keys()];
    await cp(at('source'), at('shards'), { recursive: true });
    await rm(at('shards', 'model.safetensors'));
    const map: Record<string, string> = {};
    for (const part of [0, 1]) {
      const file = `model-0000${part + 1}-of-00002.safetensors`;
      const own = names.filter((_, i) => i % 2 === part);
      for (const name of own) map[name] = file;
      const held = new Map(own.map((name) => [name, tensors.get(name) as Tensor]));
      await writeFile(at('shards', file), writeSafetensors(held));
    }
    await writeFile(at('shards', 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    await imported(at('shards'), 'from-shards');
    expect(await readFile(at('from-shards', 'model.safetensors'))).toEqual(
      await readFile(at('source', 'model.safetensors')),
    );
    map[names[0]] = '../elsewhere.safetensors';
    await writeFile(at('shards', 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    await expect(imported(at('shards'), 'refused')).rejects.toThrow(
      'it names "../elsewhere.safetensors"; a .safetensors file beside it was expected',
    );
  });

  it.each([
    [
      'is missing',
      (tensors: Map<string, Tensor>) => tensors.delete('text_model.final_layer_norm.bias'),
      /lacks what a CLIP of this size has: text_model\.final_layer_norm\.bias \[32\]\. Name a checkpoint of a whole CLIP/,
    ],
    [
      'is too many',
      (tensors: Map<string, Tensor>) =>
        tensors.set('visual.head.weight', { dtype: 'F32', shape: [1], data: new Float32Array(1) }),
      /holds what no CLIP of the paper has: visual\.head\.weight\. Name a checkpoint of one of the paper's networks/,
    ],
    [
      'is there twice, once as a wrap has named it,',
      (tensors: Map<string, Tensor>) =>
        tensors.set('module.logit_scale', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }),
      /holds both (?:module\.)?logit_scale and (?:module\.)?logit_scale, of which a CLIP has one/,
    ],
    [
      'has another shape',
      (tensors: Map<string, Tensor>) =>
        tensors.set('text_model.final_layer_norm.bias', {
          dtype: 'F32',
          shape: [2],
          data: new Float32Array(2),
        }),
      /text_model\.final_layer_norm\.bias is F32 \[2\], expected floating-point \[32\]\. Put the configuration beside it that it came with/,
    ],
    [
      'is of integers',
      (tensors: Map<string, Tensor>) =>
        tensors.set('text_model.final_layer_norm.bias', {
          dtype: 'I32',
          shape: [32],
          data: new Int32Array(32),
        }),
      /text_model\.final_layer_norm\.bias is I32 \[32\], expected floating-point/,
    ],
    [
      'says a size and is missing',
      (tensors: Map<string, Tensor>) => tensors.delete('text_projection.weight'),
      /text_projection\.weight is missing; a CLIP's weights have it with 2 axes\. Name a checkpoint of a whole CLIP\.$/,
    ],
  ])('of which one %s are refused, and nothing is left', async (_, change, message) => {
    const tensors = new Map(await tensorsOf());
    change(tensors);
    await writeFile(at('changed.safetensors'), writeSafetensors(tensors));
    await expect(imported(at('changed.safetensors'), 'refused')).rejects.toThrow(message);
    expect(existsSync(at('refused'))).toBe(false);
    expect((await readdir(folder)).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it("of open_clip bring the activation and the picture's preparation in a configuration of their own", async () => {
    await tensorsOf();
    await cp(at('source'), at('open-clip'), { recursive: true });
    await rm(at('open-clip', 'config.json'));
    await rm(at('open-clip', 'preprocessor_config.json'));
    const file = {
      model_cfg: { embed_dim: 6, vision_cfg: { head_width: 32 }, text_cfg: { heads: 2 } },
      preprocess_cfg: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], interpolation: 'bilinear' },
    };
    await writeFile(at('open-clip', 'open_clip_config.json'), JSON.stringify(file));
    await imported(at('open-clip'), 'from-open-clip');
    const { config } = await readTrainedFolder(at('from-open-clip'));
    expect(config.vision_config).toMatchObject({
      hidden_act: 'gelu',
      num_attention_heads: 2,
      image_size: 16,
    });
    expect(config.text_config).toMatchObject({ hidden_act: 'gelu', num_attention_heads: 2 });
    const preprocessor = JSON.parse(await readFile(at('from-open-clip', 'preprocessor_config.json'), 'utf8'));
    expect(preprocessor).toMatchObject({
      image_mean: [0.5, 0.5, 0.5],
      resample: 2,
      size: { shortest_edge: 16 },
    });
  });

  it("of open_clip are read where timm's image tower stands beside them", async () => {
    const tensors = await tensorsOf();
    await cp(at('source'), at('timm'), { recursive: true });
    await writeFile(at('timm', 'open_clip_model.safetensors'), writeSafetensors(tensors));
    const [[name, tensor]] = tensors;
    await writeFile(at('timm', 'model.safetensors'), writeSafetensors(new Map([[name, tensor]])));
    await imported(at('timm'), 'from-timm');
    expect((await readTrainedFolder(at('from-timm'))).weights.size).toBeGreaterThan(1);
  });

  it.each([
    ['vision_cfg', { global_average_pool: true }, 'vision_cfg.global_average_pool: expected false'],
    ['vision_cfg', { pool_type: 'avg' }, 'vision_cfg.pool_type: expected tok, as in CLIP'],
    ['text_cfg', { pool_type: 'last' }, 'text_cfg.pool_type: expected argmax or eos'],
    ['text_cfg', { no_causal_mask: true }, 'text_cfg.no_causal_mask: expected false'],
    ['text_cfg', { norm_kwargs: { eps: 1e-6 } }, 'text_cfg.norm_kwargs'],
  ] as const)(
    'of open_clip are refused where their %s says %o, which no weight shows',
    async (section, field, message) => {
      await tensorsOf();
      await cp(at('source'), at('other'), { recursive: true });
      const sections = { vision_cfg: { pool_type: 'tok' }, text_cfg: { heads: 2, norm_kwargs: null } };
      const file = { embed_dim: 6, ...sections, [section]: field };
      await writeFile(at('other', 'open_clip_config.json'), JSON.stringify(file));
      await expect(imported(at('other'), 'refused')).rejects.toThrow(message);
      expect(existsSync(at('refused'))).toBe(false);
      await rm(at('other'), { recursive: true });
    },
  );
});

it("open_clip's configuration says how wide a ResNet's heads are", async () => {
  await mkdir(at('resnet'));
  await cp(fixture('modified-resnet.pt'), at('resnet', 'open_clip_pytorch_model.bin'));
  const file = { embed_dim: 6, vision_cfg: { head_width: 32 }, text_cfg: { heads: 1 } };
  await writeFile(at('resnet', 'open_clip_config.json'), JSON.stringify(file));
  await imported(at('resnet'), 'resnet-imported');
  const { config } = await readTrainedFolder(at('resnet-imported'));
  const { width, num_attention_heads } = config.vision_config as ModifiedResNetConfig;
  expect(num_attention_heads).toBe(width);
});

it('a folder that is taken, a source without a tokenizer, and what is no checkpoint are refused', async () => {
  await imported(fixture('modified-resnet.pt'), 'taken');
  await expect(imported(fixture('modified-resnet.pt'), 'taken')).rejects.toThrow(
    /taken is not empty: it holds config\.json\. Name another folder in --out/,
  );
  await expect(importModel({ source: fixture('modified-resnet.pt'), out: at('bare') })).rejects.toThrow(
    'brings no tokenizer',
  );
  const tokenizer = at('tokenizer', 'tokenizer.json');
  await expect(
    importModel({ source: fixture('modified-resnet.pt'), out: at('bare'), tokenizer }),
  ).rejects.toThrow(
    /^The tokenizer .*tokenizer\.json was refused: .* are no whole gzip file\. Name a folder with a tokenizer's files/,
  );
  await expect(imported(at('nowhere.pt'), 'bare')).rejects.toThrow(/There is no .*nowhere\.pt to import/);
  await expect(imported(at('tokenizer'), 'bare')).rejects.toThrow(
    'holds no checkpoint; one of open_clip_model.safetensors, model.safetensors',
  );
  await writeFile(at('text.pt'), 'no checkpoint at all');
  await expect(imported(at('text.pt'), 'bare')).rejects.toThrow(
    /begins neither as a safetensors file nor as an archive of PyTorch\. Name a checkpoint: a \.safetensors/,
  );
  await writeFile(at('old.pt'), Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c));
  await expect(imported(at('old.pt'), 'bare')).rejects.toThrow('before version 1.6');
});

it('leaves nothing where it is interrupted, while it writes or while it finishes', async () => {
  const options = { source: fixture('modified-resnet.pt'), out: at('stopped'), tokenizer: at('tokenizer') };
  const signal = AbortSignal.abort(new Error('Interrupted.'));
  await expect(importModel({ ...options, signal })).rejects.toThrow(/^Interrupted\.$/);
  const interrupted = new AbortController();
  const finish = async (made: string) => {
    expect(existsSync(join(made, 'model.safetensors'))).toBe(true);
    interrupted.abort(new Error('Interrupted.'));
    throw new Error('It could not be finished.');
  };
  await expect(importModel({ ...options, signal: interrupted.signal, finish })).rejects.toThrow(
    /^Interrupted\.$/,
  );
  expect((await readdir(folder)).filter((name) => name.includes('stopped'))).toEqual([]);
});

it('reads every tensor of an archive by itself', async () => {
  const checkpoint = await openCheckpoint(fixture('vision-transformer-training.pt'));
  try {
    expect(checkpoint.tensors.get('module.text_projection')).toEqual({ dtype: 'F16', shape: [32, 6] });
    const strided = await checkpoint.read('module.text_projection');
    const plain = await openCheckpoint(fixture('vision-transformer-torchscript.pt'));
    expect(toFloat32(strided)).toEqual(toFloat32(await plain.read('text_projection')));
    await plain.close();
  } finally {
    await checkpoint.close();
  }
});

// A checkpoint of a published size, in OpenAI's names, with weights out of these names.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { streamSafetensors, type TensorInfo } from '../../clip/safetensors.ts';
import { writeFileWhole } from '../../files/folder.ts';
import { seededTensor } from './seeded-weights.ts';

/** As openai/CLIP's constructor has them (clip/model.py, CLIP). */
export interface PublishedSizes {
  readonly embed_dim: number;
  readonly image_resolution: number;
  readonly vision_layers: number | readonly number[];
  readonly vision_width: number;
  readonly vision_patch_size: number | null;
  readonly transformer_width: number;
  readonly transformer_layers: number;
}

export const PUBLISHED: ReadonlyMap<string, PublishedSizes> = new Map(
  Object.entries(JSON.parse(readFileSync(join(import.meta.dirname, 'models.json'), 'utf8'))),
);

const [VOCABULARY, CONTEXT] = [49_408, 77];
/** What the ResNets shrink a picture by before their attention pool, and their bottlenecks' outputs over their inner channels. */
const [STRIDE, EXPANSION] = [32, 4];

export async function writePublished(path: string, sizes: PublishedSizes): Promise<void> {
  const infos = new Map(
    Array.from(shapesOf(sizes), ([name, shape]): [string, TensorInfo] => [name, { dtype: 'F32', shape }]),
  );
  const read = async (name: string) => seededTensor(name, infos.get(name)?.shape ?? []);
  await writeFileWhole(path, streamSafetensors(infos, read));
}

type Shapes = Map<string, readonly number[]>;

function shapesOf(sizes: PublishedSizes): Shapes {
  const { embed_dim, transformer_width: width, transformer_layers: layers } = sizes;
  const shapes: Shapes = new Map([
    ['logit_scale', []],
    ['token_embedding.weight', [VOCABULARY, width]],
    ['positional_embedding', [CONTEXT, width]],
    ['text_projection', [width, embed_dim]],
  ]);
  addBlocks(shapes, 'transformer.resblocks', layers, width);
  addNorm(shapes, 'ln_final', width);
  if (typeof sizes.vision_layers === 'number') addVisionTransformer(shapes, sizes, sizes.vision_layers);
  else addResNet(shapes, sizes, sizes.vision_layers);
  return shapes;
}

function addNorm(shapes: Shapes, name: string, width: number): void {
  shapes.set(`${name}.weight`, [width]).set(`${name}.bias`, [width]);
}

function addLinear(shapes: Shapes, name: string, inputs: number, outputs: number): void {
  shapes.set(`${name}.weight`, [outputs, inputs]).set(`${name}.bias`, [outputs]);
}

function addBlocks(shapes: Shapes, name: string, layers: number, width: number): void {
  for (let i = 0; i < layers; i++) {
    const block = `${name}.${i}`;
    shapes
      .set(`${block}.attn.in_proj_weight`, [3 * width, width])
      .set(`${block}.attn.in_proj_bias`, [3 * width]);
    addLinear(shapes, `${block}.attn.out_proj`, width, width);
    addLinear(shapes, `${block}.mlp.c_fc`, width, 4 * width);
    addLinear(shapes, `${block}.mlp.c_proj`, 4 * width, width);
    addNorm(shapes, `${block}.ln_1`, width);
    addNorm(shapes, `${block}.ln_2`, width);
  }
}

function addVisionTransformer(
  shapes: Shapes,
  { vision_width: width, vision_patch_size, image_resolution, embed_dim }: PublishedSizes,
  layers: number,
): void {
  const patch = vision_patch_size ?? 0;
  shapes
    .set('visual.class_embedding', [width])
    .set('visual.positional_embedding', [(image_resolution / patch) ** 2 + 1, width])
    .set('visual.proj', [width, embed_dim])
    .set('visual.conv1.weight', [width, 3, patch, patch]);
  addNorm(shapes, 'visual.ln_pre', width);
  addNorm(shapes, 'visual.ln_post', width);
  addBlocks(shapes, 'visual.transformer.resblocks', layers, width);
}

function addResNet(
  shapes: Shapes,
  { vision_width: width, image_resolution, embed_dim }: PublishedSizes,
  layers: readonly number[],
): void {
  const convolution = (name: string, norm: string, inputs: number, outputs: number, kernel: number) => {
    shapes.set(`${name}.weight`, [outputs, inputs, kernel, kernel]);
    addNorm(shapes, norm, outputs);
    shapes.set(`${norm}.running_mean`, [outputs]).set(`${norm}.running_var`, [outputs]);
  };
  const stem = [3, width / 2, width / 2, width];
  for (const i of [1, 2, 3]) convolution(`visual.conv${i}`, `visual.bn${i}`, stem[i - 1], stem[i], 3);
  let inputs = width;
  for (const [stage, blocks] of layers.entries()) {
    const inner = width * 2 ** stage;
    for (let i = 0; i < blocks; i++) {
      const block = `visual.layer${stage + 1}.${i}`;
      convolution(`${block}.conv1`, `${block}.bn1`, inputs, inner, 1);
      convolution(`${block}.conv2`, `${block}.bn2`, inner, inner, 3);
      convolution(`${block}.conv3`, `${block}.bn3`, inner, inner * EXPANSION, 1);
      if (i === 0)
        convolution(`${block}.downsample.0`, `${block}.downsample.1`, inputs, inner * EXPANSION, 1);
      inputs = inner * EXPANSION;
    }
  }
  const pool = 'visual.attnpool';
  shapes.set(`${pool}.positional_embedding`, [(image_resolution / STRIDE) ** 2 + 1, inputs]);
  for (const part of ['q_proj', 'k_proj', 'v_proj']) addLinear(shapes, `${pool}.${part}`, inputs, inputs);
  addLinear(shapes, `${pool}.c_proj`, inputs, embed_dim);
}

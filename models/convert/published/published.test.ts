// The two smallest published sizes, from a checkpoint to vectors; `npm run verify:models` does the same with all nine.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PUBLISHED } from './checkpoint.ts';
import { compareWithPyTorch, convertPublished, EXPECTED, sameInOtherNames } from './verify.ts';

it.each(['RN50', 'ViT-B/32'])(
  '%s has the vectors of openai/CLIP',
  async (name) => {
    const sizes = PUBLISHED.get(name);
    if (!sizes) throw new Error(`expected the sizes of ${name}`);
    const folder = await mkdtemp(join(tmpdir(), 'published-'));
    try {
      const config = await convertPublished(sizes, folder);
      expect(config).toMatchObject({
        projection_dim: sizes.embed_dim,
        vision_config: { image_size: sizes.image_resolution },
        text_config: {
          hidden_size: sizes.transformer_width,
          num_attention_heads: sizes.transformer_width / 64,
        },
      });
      const { image_embeds, text_embeds } = await compareWithPyTorch(name, sizes, folder, 2);
      for (const { cosine, error } of [image_embeds, text_embeds]) {
        expect(cosine).toBeGreaterThan(0.99999);
        expect(error).toBeLessThan(1e-3);
      }
      expect(await sameInOtherNames(folder)).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  300_000,
);

it('has vectors of all nine', () => {
  expect(Object.keys(EXPECTED).sort()).toEqual([...PUBLISHED.keys()].sort());
});

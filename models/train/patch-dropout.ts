// Training on a part of each picture's patches (Li et al. 2022, "Scaling language-image pre-training via masking"; open_clip's
// patch dropout): half the tokens are half the work, and a small model learns about as much from a step.

import { type ClipConfig, isModifiedResNet, patchesPerSide } from '../clip/config.ts';
import { permutation, randomStream } from '../data/random.ts';

/** 1 where a tower knows no patches: nothing can be left out. */
export function patchCount({ vision_config }: ClipConfig): number {
  return isModifiedResNet(vision_config) ? 1 : patchesPerSide(vision_config) ** 2;
}

/**
 * [batch, patches + 1, all + 1]: for each picture the class token's row of the identity and those of `patches` drawn patches,
 * in their order. A pure function of (seed, step), so that a resumed run draws the same.
 */
export function keptPatches(
  { batchSize, patches, all }: { batchSize: number; patches: number; all: number },
  seed: number,
  step: number,
): Float32Array<ArrayBuffer> {
  const random = randomStream('patches', seed, step);
  const rows = new Float32Array(batchSize * (patches + 1) * (all + 1));
  let row = 0;
  for (let picture = 0; picture < batchSize; picture++) {
    const drawn = permutation(all, random).subarray(0, patches).sort();
    for (const token of [0, ...Array.from(drawn, (patch) => patch + 1)]) rows[row++ * (all + 1) + token] = 1;
  }
  return rows;
}

// How well the weights of a run in progress do on rows held out of its training. They are measured as any stranger's model would
// be: written as a folder with fp32 encoders, opened, evaluated zero-shot, and deleted again.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClipConfig } from '../clip/config.ts';
import { encoderPath } from '../clip/model-folder.ts';
import { templateSet } from '../clip/prompts.ts';
import type { PairSource } from '../data/types.ts';
import { zeroShot } from '../evaluate/zero-shot.ts';
import { writeFileWhole } from '../files/folder.ts';
import { openModel } from '../inference/model.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import type { Weights } from '../networks/weights.ts';
import { toModel } from '../onnx/model-proto.ts';
import { writeModelFiles } from '../train/model-folder.ts';

/** acc1 (0 to 1) over the classes of `rows`. */
export async function heldOutAccuracy(
  rows: PairSource,
  config: ClipConfig,
  tokenizerJson: unknown,
  weights: Weights,
  threads: number,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'promptlens-held-out-'));
  try {
    await writeModelFiles(folder, config, tokenizerJson);
    await writeFileWhole(
      join(folder, encoderPath('vision_model', 'fp32')),
      toModel(visionEncoder(config), weights),
    );
    await writeFileWhole(
      join(folder, encoderPath('text_model', 'fp32')),
      toModel(textEncoder(config), weights),
    );
    const model = await openModel(folder, { precision: 'fp32', threads });
    try {
      const templates = config.prompt_templates ?? templateSet('ensemble');
      return (await zeroShot(model, rows, { templates })).acc1;
    } finally {
      await model.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

// How well the weights of a run in progress do on rows held out of its training. They are measured as any stranger's model would
// be: written as a folder with fp32 encoders, opened, evaluated zero-shot, and deleted again.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClipConfig } from '../clip/config.ts';
import { encoderPath } from '../clip/model-folder.ts';
import { templateSet } from '../clip/prompts.ts';
import { rankCosines } from '../clip/ranking.ts';
import type { PairSource } from '../data/types.ts';
import { classesOf, zeroShot } from '../evaluate/zero-shot.ts';
import { writeFileWhole } from '../files/folder.ts';
import { openModel } from '../inference/model.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import { toModel } from '../onnx/model-proto.ts';
import type { Evaluation, Prediction } from '../train/log.ts';
import { writeModelFiles } from '../train/model-folder.ts';

/** The most probable labels of a picture that are kept. */
const BEST = 3;

export interface HeldOut {
  readonly rows: PairSource;
  /** The rows whose predictions are wanted too. */
  readonly sample: readonly number[];
  readonly config: ClipConfig;
  readonly tokenizerJson: unknown;
  readonly threads: number;
}

/** acc1 over the classes of the rows, and what the weights say of the sample. */
export async function evaluateHeldOut(
  { rows, sample, config, tokenizerJson, threads }: HeldOut,
  weights: Weights,
): Promise<Evaluation> {
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
      const classes = classesOf(rows);
      const logitScale = Math.exp(weightsOf(weights, 'logit_scale')[0]);
      const wanted = new Set(sample);
      const predictions: Prediction[] = [];
      const { acc1 } = await zeroShot(model, rows, {
        templates,
        classes,
        onScores(index, scores, right) {
          if (!wanted.has(index)) return;
          const best = rankCosines(scores, { logitScale, topK: BEST }).map((label) => ({
            label: classes[label.index][0],
            probability: label.probability,
            right: right.includes(label.index),
          }));
          predictions.push({ id: rows.text(index).id, best });
        },
      });
      return { accuracy: acc1, predictions };
    } finally {
      await model.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

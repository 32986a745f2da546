// Rows that a run is judged by and does not train on, and how well the weights of a run in progress do on them. They are measured as
// any stranger's model would be: written as a folder with fp32 encoders, opened, evaluated zero-shot, and deleted again.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClipConfig } from '../clip/config.ts';
import { encoderPath } from '../clip/encoder-files.ts';
import { templateSet } from '../clip/prompts.ts';
import { rankCosines } from '../clip/ranking.ts';
import { defaultHeldOut, drawRows, splitClasses, splitHeldOut } from '../data/sources.ts';
import type { PairSource } from '../data/types.ts';
import { classesOf, zeroShot } from '../evaluate/zero-shot.ts';
import { writeFileWhole } from '../files/folder.ts';
import { openModel } from '../inference/model.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import { toModel } from '../onnx/model-proto.ts';
import type { Evaluation, Prediction } from '../train/log.ts';
import { writeModelFiles } from '../train/model-folder.ts';
import { UsageError } from './arguments.ts';

/**
 * Enough to tell checkpoints apart: the standard error of an accuracy of one half is 1.6 %; with fewer than a hundred it is more
 * than 5 %, and the last checkpoint is as good a choice as any.
 */
export const HELD_OUT = { least: 100, most: 1000 };

interface Wanted {
  readonly 'held-out'?: number;
  readonly 'held-out-classes': number;
  readonly seed: number;
}

export interface Split {
  readonly train: PairSource;
  /** Rows of classes that training sees other rows of. */
  readonly heldOut: PairSource | null;
  /** Rows of classes that it sees none of. */
  readonly unseen: PairSource | null;
}

export function holdOut(
  source: PairSource,
  { 'held-out': asked, 'held-out-classes': classes, seed }: Wanted,
): Split {
  const { train: seen, unseen } =
    classes > 0 ? splitClasses(source, { count: classes, seed }) : { train: source, unseen: null };
  const count = asked ?? defaultHeldOut(seen, HELD_OUT);
  if (count === 0) {
    if (unseen) {
      throw new UsageError(
        '--held-out-classes are judged beside held-out rows, of which there are none here. Give --held-out a number, or leave --held-out-classes out.',
      );
    }
    return { train: seen, heldOut: null, unseen: null };
  }
  const { train, heldOut } = splitHeldOut(seen, { count, seed });
  // No more than of the others: every evaluation takes as long as there are rows.
  const judged = unseen && drawRows(unseen, { count, seed });
  return { train, heldOut, unseen: judged };
}

/** The most probable labels of a picture that are kept. */
const BEST = 3;

export interface HeldOut {
  readonly rows: PairSource;
  /** Rows of classes that training sees nothing of. */
  readonly unseen: PairSource | null;
  /** The rows whose predictions are wanted too. */
  readonly sample: readonly number[];
  readonly config: ClipConfig;
  readonly tokenizerJson: unknown;
  readonly threads: number;
}

/** acc1 over the classes of the rows, of the unseen ones apart, and what the weights say of the sample. */
export async function evaluateHeldOut(
  { rows, unseen, sample, config, tokenizerJson, threads }: HeldOut,
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
      if (!unseen) return { accuracy: acc1, predictions };
      const transferred = await zeroShot(model, unseen, { templates, classes: classesOf(unseen) });
      return { accuracy: acc1, unseen: transferred.acc1, predictions };
    } finally {
      await model.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

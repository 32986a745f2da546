// Rows that a run is judged by and does not train on, and how well the weights of a run in progress do on them. They are measured as
// any stranger's model would be: written as a folder with fp32 encoders, opened, evaluated zero-shot, and deleted again. Data without
// labels is judged by captions: which of those of all held-out pictures is this one's?

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClipConfig } from '../clip/config.ts';
import { encoderPath } from '../clip/encoder-files.ts';
import { templateSet } from '../clip/prompts.ts';
import { rankCosines } from '../clip/ranking.ts';
import { soundRows } from '../data/sound-rows.ts';
import {
  defaultHeldOut,
  drawRows,
  namedByCaption,
  selectRows,
  splitClasses,
  splitHeldOut,
  splitRows,
} from '../data/sources.ts';
import type { PairSource } from '../data/types.ts';
import { type ClassNames, classesOf, zeroShot } from '../evaluate/zero-shot.ts';
import { writeFileWhole } from '../files/folder.ts';
import { openModel } from '../inference/model.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import { toModel } from '../onnx/model-proto.ts';
import type { Evaluation, Prediction } from '../train/log.ts';
import { writeModelFiles } from '../train/model-folder.ts';
import { sampleRows } from '../train/report/sample.ts';
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
  const byCaption = labelledRows(seen).length === 0;
  const count = asked ?? (byCaption ? aTenth(seen.length) : defaultHeldOut(seen, HELD_OUT));
  if (count === 0) {
    if (unseen) {
      throw new UsageError(
        '--held-out-classes are judged beside held-out rows, of which there are none here. Give --held-out a number, or leave --held-out-classes out.',
      );
    }
    return { train: seen, heldOut: null, unseen: null };
  }
  const { train, heldOut } = byCaption
    ? splitRows(seen, { count, seed })
    : splitHeldOut(seen, { count, seed });
  // No more than of the others: every evaluation takes as long as there are rows.
  const judged = unseen && drawRows(unseen, { count, seed });
  return { train, heldOut, unseen: judged };
}

function aTenth(rows: number): number {
  const count = Math.min(HELD_OUT.most, Math.floor(rows / 10));
  return count < HELD_OUT.least ? 0 : count;
}

/** What the weights are asked about at each evaluation. */
export interface Judges {
  /** Their labels are right for them: captions where `kind` says so. */
  readonly rows: PairSource;
  /** Among which they are ranked. */
  readonly classes: readonly ClassNames[];
  readonly kind: 'labels' | 'captions';
  /** False where they are but a sample of what is trained on, to be seen and not to judge by. */
  readonly areHeldOut: boolean;
  /** Rows of classes that training sees nothing of. */
  readonly unseen: PairSource | null;
}

/** @param wantsSample whether pictures are to be seen where none are held out */
export async function judgesOf(
  { train, heldOut, unseen }: Split,
  wantsSample: boolean,
  onDamaged: (message: string) => void,
): Promise<Judges | null> {
  if (!heldOut && !wantsSample) return null;
  const source = heldOut ?? train;
  const labelled = labelledRows(source);
  const kind = labelled.length > 0 ? 'labels' : 'captions';
  const all = kind === 'labels' ? labelled : namedByCaption(source);
  const rows = await soundRows(heldOut ? all : selectRows(all, sampleRows(all), train.name), onDamaged);
  return {
    rows,
    // Of all captions of the training data a picture may well have several.
    classes: classesOf(kind === 'labels' ? all : rows),
    kind,
    areHeldOut: heldOut !== null,
    unseen: unseen && (await soundRows(unseen, onDamaged)),
  };
}

function labelledRows(source: PairSource): PairSource {
  const rows: number[] = [];
  for (let index = 0; index < source.length; index++)
    if (source.text(index).labels.length > 0) rows.push(index);
  return selectRows(source, rows, source.name);
}

/** The most probable labels of a picture that are kept. */
const BEST = 3;

export interface Judging extends Judges {
  /** Whether what the weights say of a sample of the rows is wanted too. */
  readonly wantsSample: boolean;
  readonly config: ClipConfig;
  readonly tokenizerJson: unknown;
  readonly threads: number;
}

/** acc1 over the classes of the rows, of the unseen ones apart, and what the weights say of the sample. */
export async function judge(
  { rows, classes, kind, areHeldOut, unseen, wantsSample, config, tokenizerJson, threads }: Judging,
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
      const templates = kind === 'captions' ? ['{}'] : (config.prompt_templates ?? templateSet('ensemble'));
      const logitScale = Math.exp(weightsOf(weights, 'logit_scale')[0]);
      const wanted = new Set(wantsSample ? sampleRows(rows) : []);
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
      const accuracy = areHeldOut ? acc1 : null;
      if (!unseen) return { accuracy, predictions };
      const transferred = await zeroShot(model, unseen, { templates, classes: classesOf(unseen) });
      return { accuracy, unseen: transferred.acc1, predictions };
    } finally {
      await model.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

// The options of training by which the loss aims at more than which caption is whose: what they may not go with, what a
// checkpoint remembers of them, and what they make of each batch's targets.

import type { PairBatch } from '../data/pair-stream.ts';
import { openModel } from '../inference/model.ts';
import type { Progress } from '../train/checkpoint.ts';
import type { LossInputs } from '../train/contrastive-loss.ts';
import { smoothOverKin } from '../train/kin-smoothing.ts';
import type { RunOptions } from '../train/run.ts';
import { withTeacher } from '../train/teacher.ts';
import { type OptionTable, type OptionValues, UsageError } from './arguments.ts';

export const SOFTENING_OPTIONS = {
  'distill-model': {
    kind: 'text',
    value: 'folder',
    help: 'a model folder that teaches: its view of each batch is aimed at beside the captions, as in open_clip',
  },
  'distill-weight': {
    kind: 'number',
    above: 0,
    help: "the teacher's part of the loss beside the captions' of 1; 1 where it is left out, as in open_clip",
  },
  'kin-smoothing': {
    kind: 'number',
    default: 0,
    min: 0,
    below: 1,
    help: "share of a picture's target that goes to captions of its concept's siblings in --lexicon, such as 0.1",
  },
} as const satisfies OptionTable;

interface Given extends OptionValues<typeof SOFTENING_OPTIONS> {
  readonly siglip: boolean;
  readonly lexicon: string | undefined;
  readonly device: RunOptions['device'];
  readonly threads: number;
}

export interface Softening {
  readonly settings: Progress['settings'];
  /** Rejects with a sentence where the teacher cannot teach. */
  open(): Promise<{ readonly soften: RunOptions['soften']; close(): Promise<void> }>;
}

export function softeningOf(options: Given): Softening {
  const {
    device,
    threads,
    'distill-model': path,
    'distill-weight': weight = 1,
    'kin-smoothing': share,
  } = options;
  refuseContradictions(options);
  const smoothed = (inputs: LossInputs, { keys }: PairBatch) =>
    share > 0 ? smoothOverKin(inputs, keys, share) : inputs;
  return {
    settings: {
      ...(path === undefined ? {} : { '--distill-model': path, '--distill-weight': weight }),
      ...(share > 0 ? { '--kin-smoothing': share } : {}),
    },
    async open() {
      if (path === undefined)
        return { soften: async (inputs, batch) => smoothed(inputs, batch), close: async () => undefined };
      const teacher = await openModel(path, { threads, device });
      try {
        // Whatever is wrong with its encoders comes out now, not after the first batch.
        await teacher.embedTexts(['a']);
        await teacher.embedImages([{ width: 8, height: 8, channels: 3, data: new Uint8Array(192) }]);
      } catch (error) {
        await teacher.close();
        throw error;
      }
      return {
        soften: (inputs, batch) => withTeacher(smoothed(inputs, batch), batch, teacher, weight),
        close: () => teacher.close(),
      };
    },
  };
}

function refuseContradictions(options: Given): void {
  const {
    siglip,
    lexicon,
    'distill-model': teacher,
    'distill-weight': weight,
    'kin-smoothing': share,
  } = options;
  if (teacher === undefined && weight !== undefined) {
    throw new UsageError(
      '--distill-weight is the weight of a teacher; name one in --distill-model, or leave it out.',
    );
  }
  if (share > 0 && lexicon === undefined) {
    throw new UsageError(
      '--kin-smoothing needs to know who is whose kin; name a lexicon in --lexicon, or leave it out.',
    );
  }
  if (siglip && (teacher !== undefined || share > 0)) {
    throw new UsageError(
      `${share > 0 ? '--kin-smoothing' : '--distill-model'} shares out the targets of a softmax over each batch, which --siglip's loss does not have; leave one of the two out.`,
    );
  }
}

// The options of every command that opens a model folder.

import { PRECISIONS } from '../clip/encoder-files.ts';
import type { OptionTable } from './arguments.ts';

export const MODEL_OPTIONS = {
  model: { kind: 'text', value: 'folder', required: true, help: 'the model folder' },
  precision: {
    kind: 'choice',
    choices: PRECISIONS,
    value: 'precision',
    help: 'such as fp32 or q8; fp32 or else the first that the folder has where it is left out',
  },
  threads: {
    kind: 'number',
    min: 1,
    integer: true,
    help: 'for the encoders; all cores where it is left out',
  },
} as const satisfies OptionTable;

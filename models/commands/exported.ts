// What the commands that export have in common: options, and a line for each precision that was measured.

import { availableParallelism } from 'node:os';
import { PRECISIONS } from '../clip/encoder-files.ts';
import { USUAL_PRECISIONS } from '../convert/export.ts';
import type { Measured } from '../convert/measure.ts';
import type { OptionTable } from './arguments.ts';

export const EXPORTED = {
  precision: {
    kind: 'list',
    form: 'comma',
    value: 'precisions',
    choices: PRECISIONS,
    help: `which to make: fp32 for any device, fp16 for WebGPU, q8 for WASM; q4 and q4f16 are half of q8 again, for large models on WebGPU; ${USUAL_PRECISIONS.join(',')} where it is left out`,
  },
  threads: {
    kind: 'number',
    default: availableParallelism(),
    min: 1,
    integer: true,
    help: 'for the encoders',
  },
} as const satisfies OptionTable;

/** Cosines are with the trained network's vectors, or with those of the best encoders where there is no network. */
export const HEADINGS = [
  'precision',
  '       bytes',
  'image cos mean',
  '     min',
  'text cos mean',
  '     min',
  'ms/picture',
];

export function measuredLine({ precision, bytes, image, text, millisecondsPerPicture }: Measured): string {
  const cells = [
    bytes.toLocaleString('en'),
    image.mean.toFixed(6),
    image.min.toFixed(6),
    text.mean.toFixed(6),
    text.min.toFixed(6),
    millisecondsPerPicture.toFixed(1),
  ];
  const aligned = cells.map((cell, i) => cell.padStart(HEADINGS[i + 1].length));
  return [precision.padEnd(HEADINGS[0].length), ...aligned].join('  ');
}

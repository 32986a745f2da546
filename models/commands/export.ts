// npm run -s export -- --model runs/mini
// npm run -s export -- --model runs/mini --precision fp32,q8 --combined --images ../shared/photos/*.jpg
//
// Makes a trained folder ready for the page: onnx/, selftest.json and manifest.json.

import { availableParallelism } from 'node:os';
import { EXPORT_PRECISIONS, exportModel, LEAST_MEAN_COSINE, type Measured } from '../convert/export.ts';
import { refuseSameFolder, shipModel } from '../convert/ship.ts';
import { decodeImage } from '../files/decode-image.ts';
import { readNamedFile } from '../files/folder.ts';
import { command, runWhereMain } from './arguments.ts';

export const exportCommand = command({
  name: 'export',
  summary: 'Makes a trained folder ready for the page: replaces its onnx/, selftest.json and manifest.json.',
  options: {
    model: { kind: 'text', value: 'folder', required: true, help: 'what training has written' },
    precision: {
      kind: 'list',
      form: 'comma',
      value: 'precisions',
      choices: EXPORT_PRECISIONS,
      default: EXPORT_PRECISIONS,
      help: 'which to make: fp32 for any device, fp16 for WebGPU, q8 for WASM',
    },
    combined: { kind: 'flag', help: "add the graph of both encoders that transformers.js' pipeline reads" },
    to: { kind: 'text', value: 'folder', help: 'also copies what a page downloads there' },
    images: { kind: 'list', form: 'words', value: 'file', help: 'pictures to compare by, beside made ones' },
    threads: {
      kind: 'number',
      default: availableParallelism(),
      min: 1,
      integer: true,
      help: 'for the encoders',
    },
    force: {
      kind: 'flag',
      help: `write a precision whose mean cosine with the trained network is below ${LEAST_MEAN_COSINE} all the same`,
    },
  },
  run: async ({ model, precision, combined, to, images: files = [], threads, force }) => {
    const images = [];
    for (const file of files) {
      images.push(await decodeImage(await readNamedFile(file, 'Name pictures in --images.'), file));
    }
    if (to !== undefined) await refuseSameFolder(model, to);
    const interrupted = new AbortController();
    const stop = () => interrupted.abort(new Error(`${model} was not exported: it was interrupted.`));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
    console.log(HEADINGS.join('  '));
    await exportModel(model, {
      precisions: precision,
      combined,
      images,
      threads,
      force,
      signal: interrupted.signal,
      onMeasured: (measured) => console.log(line(measured)),
    });
    if (to !== undefined) await shipModel(model, to);
  },
});

/** Cosines are with the trained network's vectors. */
const HEADINGS = [
  'precision',
  '       bytes',
  'image cos mean',
  '     min',
  'text cos mean',
  '     min',
  'ms/picture',
];

function line({ precision, bytes, image, text, millisecondsPerPicture }: Measured): string {
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

await runWhereMain(import.meta, exportCommand);

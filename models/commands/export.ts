// npm run -s export -- --model runs/mini
// npm run -s export -- --model runs/mini --precision fp32,q8 --combined --images ../shared/photos/*.jpg
//
// npm run -s export -- --model mobileclip_s0 --precision fp32 --to public/models/mobileclip_s0
//
// Makes a trained folder ready for the page: onnx/, selftest.json and manifest.json. A folder with another exporter's encoders
// and without weights gets the last two.

import type { RgbImage } from '../clip/types.ts';
import { exportModel, LEAST_MEAN_COSINE } from '../convert/export.ts';
import { refuseSameFolder, shipModel } from '../convert/ship.ts';
import { decodeImage } from '../files/decode-image.ts';
import { readNamedFile } from '../files/folder.ts';
import { command, runWhereMain } from './arguments.ts';
import { EXPORTED, HEADINGS, measuredLine } from './exported.ts';
import { interruptible } from './interruption.ts';

export const exportCommand = command({
  name: 'export',
  summary:
    "Makes a trained folder ready for the page: replaces its onnx/, selftest.json and manifest.json. Another exporter's encoders stay as they are.",
  options: {
    model: {
      kind: 'text',
      value: 'folder',
      required: true,
      help: "what training has written, or another exporter's folder",
    },
    precision: {
      ...EXPORTED.precision,
      help: `${EXPORTED.precision.help}; another exporter's: which to keep, all that are there by default`,
    },
    combined: { kind: 'flag', help: "add the graph of both encoders that transformers.js' pipeline reads" },
    to: { kind: 'text', value: 'folder', help: 'also copies what a page downloads there' },
    images: { kind: 'list', form: 'words', value: 'file', help: 'pictures to compare by, beside made ones' },
    threads: EXPORTED.threads,
    force: {
      kind: 'flag',
      help: `write a precision whose mean cosine with the trained network, or with the best encoders, is below ${LEAST_MEAN_COSINE} all the same`,
    },
  },
  run: async ({ model, precision, combined, to, images: files = [], threads, force }) => {
    const images: RgbImage[] = [];
    for (const file of files) {
      images.push(await decodeImage(await readNamedFile(file, 'Name pictures in --images.'), file));
    }
    if (to !== undefined) await refuseSameFolder(model, to);
    console.log(HEADINGS.join('  '));
    await interruptible(`${model} was not exported: it was interrupted.`, (signal) =>
      exportModel(model, {
        precisions: precision,
        combined,
        images,
        threads,
        force,
        signal,
        onMeasured: (measured) => console.log(measuredLine(measured)),
      }),
    );
    if (to !== undefined) await shipModel(model, to);
  },
});

await runWhereMain(import.meta, exportCommand);

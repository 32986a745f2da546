// npm run -s import -- RN50.pt --out runs/rn50 --tokenizer bpe_simple_vocab_16e6.txt.gz
// npm run -s import -- ../clip-vit-base-patch32 --out runs/vit-b-32
//
// Makes a model folder of a published checkpoint, ready for the page.

import { exportModel } from '../convert/export.ts';
import { importModel } from '../convert/import.ts';
import { command, runWhereMain } from './arguments.ts';
import { EXPORTED, HEADINGS, measuredLine } from './exported.ts';

export const importCommand = command({
  name: 'import',
  summary: 'Makes a model folder of a published checkpoint, ready for the page.',
  options: {
    source: {
      kind: 'text',
      value: 'file or folder',
      positional: true,
      required: true,
      help: "a checkpoint of OpenAI's, open_clip's or Hugging Face's CLIP: .safetensors, .pt or .bin, or a folder with one",
    },
    out: { kind: 'text', value: 'folder', required: true, help: 'where the model folder goes' },
    tokenizer: {
      kind: 'text',
      value: 'file or folder',
      help: "a folder with a tokenizer's files, or OpenAI's bpe_simple_vocab_16e6.txt.gz, where the checkpoint brings none",
    },
    activation: {
      kind: 'choice',
      choices: ['quick_gelu', 'gelu'],
      default: 'quick_gelu',
      value: 'quick_gelu|gelu',
      help: "of a checkpoint without a configuration: OpenAI's have QuickGELU, open_clip's own GELU unless their names say otherwise",
    },
    ...EXPORTED,
  },
  run: async ({ source, out, tokenizer, activation, precision, threads }) => {
    await importModel({
      source,
      out,
      tokenizer,
      hiddenAct: activation,
      finish: async (folder) => {
        console.log(HEADINGS.join('  '));
        await exportModel(folder, {
          precisions: precision,
          threads,
          onMeasured: (measured) => console.log(measuredLine(measured)),
        });
      },
    });
  },
});

await runWhereMain(import.meta, importCommand);

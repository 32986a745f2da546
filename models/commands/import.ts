// npm run -s import -- RN50.pt --out runs/rn50 --tokenizer bpe_simple_vocab_16e6.txt.gz
// npm run -s import -- openai/clip-vit-base-patch32 --out runs/vit-b-32
//
// npm run -s import -- Xenova/mobileclip_s0 --precision fp32 --out runs/mobileclip-s0
//
// Makes a model folder of a published checkpoint, ready for the page; of what has encoders alone, of those.

import { existsSync } from 'node:fs';
import { hubEndpoint, isHubId } from '../clip/hub.ts';
import { exportModel } from '../convert/export.ts';
import { hubToken } from '../convert/hub-download.ts';
import { importModel } from '../convert/import.ts';
import { importFromHub } from '../convert/import-hub.ts';
import { command, type OptionTable, type OptionValues, runWhereMain } from './arguments.ts';
import { EXPORTED, HEADINGS, measuredLine } from './exported.ts';
import { interruptible } from './interruption.ts';
import { withProgress } from './progress.ts';

const OPTIONS = {
  source: {
    kind: 'text',
    value: 'file, folder or hub id',
    positional: true,
    required: true,
    help: "a checkpoint of OpenAI's, open_clip's or Hugging Face's CLIP: .safetensors, .pt or .bin, a folder with one, or openai/clip-vit-base-patch32 from a hub (HF_ENDPOINT, HF_TOKEN); or one with another exporter's encoders alone, such as Xenova/mobileclip_s0",
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
  revision: { kind: 'text', value: 'name', default: 'main', help: "a hub's branch, tag or commit" },
  ...EXPORTED,
  precision: {
    ...EXPORTED.precision,
    help: `${EXPORTED.precision.help}; where there are encoders alone, which to take: q8 by default, and each is compared with the best that is taken`,
  },
} as const satisfies OptionTable;

type Asked = OptionValues<typeof OPTIONS>;

export const importCommand = command({
  name: 'import',
  summary: 'Makes a model folder of a published checkpoint, ready for the page.',
  options: OPTIONS,
  run: (options) =>
    interruptible(
      `${options.source} was not imported: it was interrupted. What a hub has sent is kept; the same command goes on.`,
      (signal) => importSource(options, signal),
    ),
});

async function importSource(
  { source, out, tokenizer, activation, revision, precision, threads }: Asked,
  signal: AbortSignal,
): Promise<void> {
  const options = {
    out,
    signal,
    tokenizer,
    hiddenAct: activation,
    precisions: precision,
    finish: async (folder: string) => {
      console.log(HEADINGS.join('  '));
      await exportModel(folder, {
        precisions: precision,
        threads,
        signal,
        onMeasured: (measured) => console.log(measuredLine(measured)),
      });
    },
  };
  if (existsSync(source) || !isHubId(source)) {
    await importModel({ ...options, source });
    return;
  }
  const endpoint = hubEndpoint(process.env.HF_ENDPOINT);
  await importFromHub({
    ...options,
    hub: { model: { endpoint, id: source, revision }, token: await hubToken() },
    showing: (bytes, download) =>
      withProgress(
        source,
        megabytes(bytes),
        (onProgress) => download((done) => onProgress(megabytes(done))),
        ' MB',
      ),
  });
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6);

await runWhereMain(import.meta, importCommand);

// The two benchmarks that stand by themselves (tokenizer.ts, preprocess.ts), each run in a process of its own, as rows.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { milliseconds, type Row, skipped, times } from '../report.ts';

interface Figures {
  readonly promptsPerSecond: Readonly<Record<string, number>>;
  readonly timesHuggingFace: number;
  readonly timesAutoTokenizer: number | string;
}

interface TokenizerAnswer {
  readonly vocabSize: number;
  readonly node: string;
  readonly sets: Readonly<
    Record<string, { readonly prompts: number; readonly cold: Figures; readonly warm: Figures }>
  >;
}

interface Comparison {
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
}

interface PreprocessAnswer {
  readonly pillow: Readonly<
    Record<
      string,
      { readonly resize: Comparison; readonly pixelValues: Comparison; readonly identical: boolean }
    >
  > | null;
  readonly jpegToPixelValues: Comparison & { readonly jpegMegabytes: number; readonly bitmapAlone: number };
}

/** A script's last line, which is its answer as JSON. */
async function answerOf<Answer>(script: string): Promise<Answer> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

const TOKENIZER_FLOOR = 10;

export async function tokenizer(): Promise<Row[]> {
  const { vocabSize, node, sets } = await answerOf<TokenizerAnswer>('bench/tokenizer.ts');
  const where = `Node ${node}, ${vocabSize.toLocaleString('en')} tokens`;
  return Object.entries(sets).map(([set, { prompts, cold, warm }]) => {
    const ratios = [cold, warm].flatMap(({ timesHuggingFace, timesAutoTokenizer }) =>
      typeof timesAutoTokenizer === 'number' ? [timesHuggingFace, timesAutoTokenizer] : [timesHuggingFace],
    );
    const least = Math.min(...ratios);
    const side = (who: string, key: string, does: string) => ({
      who,
      figure: `${(warm.promptsPerSecond[key] / 1000).toFixed(0)} k/s`,
      does: `${does}; ${(cold.promptsPerSecond[key] / 1000).toFixed(0)} k/s where it has seen no word yet`,
      samples: { cold: cold.promptsPerSecond[key], warm: warm.promptsPerSecond[key] },
    });
    return {
      what: `tokenizer, ${prompts.toLocaleString('en')} ${set}`,
      floor: `${TOKENIZER_FLOOR} × the prompts a second`,
      measured: `${times(least)} at the least`,
      pass: least >= TOKENIZER_FLOOR,
      sides: [
        side('ours', 'ours', `a prompt at a time; ${where}`),
        side(
          `@huggingface/tokenizers (${times(cold.timesHuggingFace)} cold, ${times(warm.timesHuggingFace)} warm)`,
          'huggingface',
          'a prompt at a time',
        ),
        side('ours', 'oursBatch', 'all prompts as one padded batch'),
        ...('autoTokenizerBatch' in warm.promptsPerSecond
          ? [side("transformers.js' AutoTokenizer", 'autoTokenizerBatch', 'all prompts as one padded batch')]
          : []),
      ],
    };
  });
}

/** Half of Pillow's speed. */
const PILLOW_FLOOR = 2;
const JPEG_FLOOR = 2;

export async function preprocessing(): Promise<Row[]> {
  const { pillow, jpegToPixelValues: jpeg } = await answerOf<PreprocessAnswer>('bench/preprocess.ts');
  return [
    pillow === null
      ? skipped('image preprocessing', "Pillow's bytes, at half its speed", 'no Python with Pillow and numpy')
      : besidePillow(pillow),
    {
      what: '12-megapixel JPEG to pixel_values',
      floor: `under ${JPEG_FLOOR} × decode + hand-over`,
      measured: times(jpeg.ratio),
      pass: jpeg.ratio < JPEG_FLOOR,
      sides: [
        {
          who: 'ours',
          figure: milliseconds(jpeg.ours),
          does: `worker, ${jpeg.jpegMegabytes} MB of JPEG to 224 × 224`,
        },
        {
          who: 'the browser',
          figure: milliseconds(jpeg.theirs),
          does: `createImageBitmap (${milliseconds(jpeg.bitmapAlone)}), drawn and all pixels handed over; worker`,
        },
      ],
    },
  ];
}

function besidePillow(sizes: NonNullable<PreprocessAnswer['pillow']>): Row {
  const all = Object.entries(sizes);
  const identical = all.every(([, size]) => size.identical);
  const slowest = Math.max(
    ...all.flatMap(([, { resize, pixelValues }]) => [resize.ratio, pixelValues.ratio]),
  );
  return {
    what: 'image preprocessing',
    floor: "Pillow's bytes, at half its speed",
    measured: `${identical ? 'the same bytes' : 'OTHER bytes'}, ${times(1 / slowest)} its speed at least`,
    pass: identical && slowest <= PILLOW_FLOOR,
    sides: all.flatMap(([size, { resize, pixelValues }]) => [
      {
        who: `ours, ${size}`,
        figure: milliseconds(pixelValues.ours),
        does: `to pixel_values in Node; of it resizing ${milliseconds(resize.ours)}`,
      },
      {
        who: `Pillow and numpy (${times(pixelValues.theirs / pixelValues.ours)})`,
        figure: milliseconds(pixelValues.theirs),
        does: `the same steps; of it resizing ${milliseconds(resize.theirs)}`,
      },
    ]),
  };
}

// Photographs and collected pictures made ready for training on one core, beside what a step on two needs: in the first epoch, which
// decodes them, and in the others, which crop what is kept decoded.

import { TRAIN_OPTIONS } from '../../models/commands/train-options.ts';
import { sharedKeys } from '../../models/data/pair-keys.ts';
import { openPairStream } from '../../models/data/pair-stream.ts';
import { pictureSource } from '../../models/data/picture-rows.ts';
import { LOSSES } from '../../models/train/contrastive-loss.ts';
import { DEFAULT_CONFIG } from '../../models/train/default-config.ts';
import { MEAN, STD } from '../../models/train/model-folder.ts';
import type { TokenIds } from '../../models/train/step-graph.ts';
import { startingState, Trainer, type TrainerOptions, tokensAt } from '../../models/train/trainer.ts';
import { type Row, times } from '../report.ts';
import { interleaved, median } from '../statistics.ts';
import { OPTIMISER } from '../training/problem.ts';
import { pictureFiles } from './picture-files.ts';
import type { Setting } from './setting.ts';

const THREADS = 2;
const FLOOR = 3;
const SIDE = DEFAULT_CONFIG.vision_config.image_size;
type Kind = readonly [width: number, height: number, format: 'jpeg' | 'webp'];
/** As most photographs on the web are shown. */
const PHOTOGRAPH: Kind = [500, 375, 'jpeg'];
/** As `collect` writes them. */
const COLLECTED: Kind = [96, 96, 'webp'];

export async function decoding({ quick }: Pick<Setting, 'quick'>): Promise<Row[]> {
  const [batchSize, batches, rounds] = quick ? [8, 1, 1] : [128, 4, 5];
  const count = batchSize * (batches + 1);
  const photographs = await pictureFiles(count, ...PHOTOGRAPH);
  const collected = await pictureFiles(count, ...COLLECTED);
  const step = await openStep(batchSize);
  try {
    const samples = await interleaved(
      {
        photographs: () => twoEpochs(photographs, batchSize),
        collected: () => twoEpochs(collected, batchSize),
        step: async () => [await step.run()],
      },
      { rounds, warmUp: 1 },
    );
    const needed = median(samples.step.flat());
    const row = (
      what: string,
      [width, height, format]: Kind,
      epochs: readonly (readonly number[])[],
    ): Row => {
      const decoded = median(epochs.map(([first]) => first));
      const kept = median(epochs.map(([, second]) => second));
      return {
        what: `${what} for training on one core, beside a step on two`,
        floor: `${FLOOR} × what the step needs`,
        measured: `${times(kept / needed)}, ${times(decoded / needed)} in the first epoch`,
        pass: kept / needed >= FLOOR,
        sides: [
          {
            who: 'one thread, first epoch',
            figure: `${decoded.toFixed(0)}/s`,
            does: `${format} of ${width} × ${height} pixels read, decoded, cropped and normalised to ${SIDE} × ${SIDE}`,
            samples: epochs,
          },
          {
            who: 'one thread, later epochs',
            figure: `${kept.toFixed(0)}/s`,
            does: 'the same, kept decoded, cropped and normalised anew',
          },
          {
            who: 'the default network',
            figure: `${needed.toFixed(0)}/s`,
            does: `steps of ${batchSize} pairs in fp32 as training takes them by default, ${THREADS} threads, half of the patches`,
            samples: samples.step,
          },
        ],
      };
    };
    return [
      row('photographs', PHOTOGRAPH, samples.photographs),
      row('collected pictures', COLLECTED, samples.collected),
    ];
  } finally {
    await step.release();
  }
}

/** Pictures a second of a thread that is under way, in each of two epochs. */
async function twoEpochs(paths: readonly string[], batchSize: number): Promise<number[]> {
  const rows = paths.map((path) => ({ id: path, labels: ['picture'], captions: [], picture: { path } }));
  const pairs = openPairStream(pictureSource('pictures', 'pictures', rows), {
    batchSize,
    imageSize: SIDE,
    mean: MEAN,
    std: STD,
    seed: 0,
    grayScaleProb: TRAIN_OPTIONS['gray-scale-prob'].default,
  });
  try {
    const rate = async (from: number) => {
      await pairs.batch(from);
      const started = performance.now();
      for (let step = 1; step < pairs.batchesPerEpoch; step++) await pairs.batch(from + step);
      return (1000 * (pairs.batchesPerEpoch - 1) * batchSize) / (performance.now() - started);
    };
    return [await rate(0), await rate(pairs.batchesPerEpoch)];
  } finally {
    await pairs.close();
  }
}

async function openStep(batchSize: number) {
  const options: TrainerOptions = {
    ...OPTIMISER,
    batchSize,
    accumulate: 1,
    loss: 'softmax',
    optimizer: 'adamw',
    threads: THREADS,
    precision: 'fp32',
    seed: 0,
    averageDecay: 0,
    reducedSteps: Number.POSITIVE_INFINITY,
    patchDropout: TRAIN_OPTIONS['patch-dropout'].default,
    captionTokens: TRAIN_OPTIONS['caption-tokens'].default,
    schedule: { peak: OPTIMISER.learningRate, warmupSteps: 0, totalSteps: 1e12 },
  };
  const trainer = await Trainer.create(DEFAULT_CONFIG, options);
  const state = startingState(trainer.parameters, options);
  const inputs = {
    pixel_values: new Float32Array(batchSize * 3 * SIDE ** 2),
    captions: captionsOf(batchSize, tokensAt(0, DEFAULT_CONFIG, options)),
    pairs: LOSSES.softmax.inputsOf(
      Array.from({ length: batchSize }, (_, i) => sharedKeys([String(i)])),
      'own',
    ),
  };
  return {
    /** Pairs a second. */
    async run(): Promise<number> {
      const started = performance.now();
      await trainer.train(state, inputs);
      return (1000 * batchSize) / (performance.now() - started);
    },
    release: () => trainer.release(),
  };
}

/** Half as long as they may be, which class names in a sentence are in the mean. */
function captionsOf(count: number, tokens: number): TokenIds {
  const { eos_token_id } = DEFAULT_CONFIG.text_config;
  const input_ids = BigInt64Array.from({ length: count * tokens }, (_, i) =>
    BigInt(i % tokens < tokens / 2 ? 1 + (i % 500) : eos_token_id),
  );
  return { input_ids, dims: [count, tokens] };
}

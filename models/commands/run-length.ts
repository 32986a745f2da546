// How long a run is and how often it is looked at, where nobody says. What suits a hundred thousand pictures gives a folder of a few
// hundred twelve steps, most of whose time goes into checkpoints.

/** Pairs at once; a small folder is to give several batches an epoch, and not fewer than a contrast needs. */
const MOST_AT_ONCE = 128;
const LEAST_AT_ONCE = 16;
const BATCHES_AN_EPOCH = 8;

const EPOCHS = 4;
const LEAST_STEPS = 100;

/** Of both kinds of looks: in epochs, and in steps at least. */
const SAVE = { epochs: 0.1, least: 40 };
const EVALUATE = { epochs: 0.5, least: 40 };

/** For --help. */
export const WHERE_LEFT_OUT = {
  batchSize: `${MOST_AT_ONCE}, for less than ${MOST_AT_ONCE * BATCHES_AN_EPOCH} rows an eighth of them, ${LEAST_AT_ONCE} at least, where it is left out`,
  epochs: `${EPOCHS}, or as many as make ${LEAST_STEPS} steps, where it is left out`,
  save: `${SAVE.epochs}, ${SAVE.least} steps at least, where it is left out`,
  evaluate: `${EVALUATE.epochs}, ${EVALUATE.least} steps at least, where it is left out`,
};

export function defaultBatchSize(rows: number): number {
  const several = Math.max(LEAST_AT_ONCE, Math.floor(rows / BATCHES_AN_EPOCH));
  return Math.max(2, Math.min(MOST_AT_ONCE, several, rows));
}

interface Asked {
  readonly epochs: number | undefined;
  /** In epochs. */
  readonly saveFrequency: number | undefined;
  readonly evaluateFrequency: number | undefined;
}

export interface RunLength {
  readonly epochs: number;
  readonly totalSteps: number;
  /** Steps between checkpoints, and between evaluations. */
  readonly saveEvery: number;
  readonly evaluateEvery: number;
}

export function runLength(batchesPerEpoch: number, asked: Asked): RunLength {
  const steps = (epochs: number) => Math.max(1, Math.round(epochs * batchesPerEpoch));
  const epochs = asked.epochs ?? Math.max(EPOCHS, Math.ceil(LEAST_STEPS / batchesPerEpoch));
  const every = (given: number | undefined, { epochs, least }: typeof SAVE) =>
    given === undefined ? Math.max(least, steps(epochs)) : steps(given);
  return {
    epochs,
    totalSteps: steps(epochs),
    saveEvery: every(asked.saveFrequency, SAVE),
    evaluateEvery: every(asked.evaluateFrequency, EVALUATE),
  };
}

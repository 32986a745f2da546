/**
 * Pictures with words, wherever they lie, as one numbered list of rows, joined in the order in which they are named. All words,
 * and the encoded pictures of parquet files, are held in memory; other pictures are read one by one. Whatever is missing or malformed
 * is refused while opening, with a sentence that names the file, not in the middle of a training run.
 */
import { realpath } from 'node:fs/promises';
import { groupBy } from '../clip/group-by.ts';
import { CSV_COLUMNS } from './csv.ts';
import { type OpenOptions, openPath } from './open-path.ts';
import { permutation, randomStream } from './random.ts';
import { parseSpec } from './source-spec.ts';
import type { PairRow, PairSource, PairText } from './types.ts';

/**
 * Opens comma-separated paths of whatever `openPath` knows as one list of rows. `path*2` marks its rows as seen twice in an
 * epoch, which `upsample` sees to: the list itself has each row once, so that none is both trained on and held out.
 * `onLeftOut` is told in a sentence of what lies there and is not read.
 */
export async function openSources(
  spec: string,
  onLeftOut: (message: string) => void = console.warn,
  { csv = CSV_COLUMNS }: Partial<Pick<OpenOptions, 'csv'>> = {},
): Promise<PairSource> {
  const sources: PairSource[] = [];
  const onFile = refuseRepeated(spec);
  for (const { path, times } of parseSpec(spec)) {
    const opened = await openPath(path, { onLeftOut, onFile, csv });
    sources.push(...(times === 1 ? opened : opened.map((source) => seenTimes(source, times))));
  }
  return sources.length === 1 ? sources[0] : joined(spec, withIdsOfTheirOwn(sources));
}

/** Also where one file has two names, by a link or as part of a folder. */
function refuseRepeated(spec: string): (file: string) => Promise<void> {
  const known = new Set<string>();
  return async (file) => {
    const place = await realpath(file);
    if (known.has(place))
      throw new Error(
        `Opening the data ${spec}: found ${file} in it twice, expected each file once, or a picture could be trained on and held out at the same time. Name it once, as path*2 where its rows are to be seen twice in an epoch.`,
      );
    known.add(place);
  };
}

/**
 * Many data sets have the same file names in folders of the same name, and so rows of the same id. Where one comes with an id that
 * is taken, all its ids say which path it came from.
 */
function withIdsOfTheirOwn(sources: readonly PairSource[]): PairSource[] {
  const taken = new Set<string>();
  return sources.map((source) => {
    const ids = Array.from({ length: source.length }, (_, index) => source.text(index).id);
    const own = ids.some((id) => taken.has(id)) ? ids.map((id) => `${source.name}: ${id}`) : ids;
    for (const id of own) taken.add(id);
    if (own === ids) return source;
    return {
      ...source,
      text: (index) => ({ ...source.text(index), id: own[index] }),
      row: async (index) => ({ ...(await source.row(index)), id: own[index] }),
    };
  });
}

function seenTimes(source: PairSource, times: number): PairSource {
  return {
    ...source,
    text: (index) => ({ ...source.text(index), times }),
    row: async (index) => ({ ...(await source.row(index)), times }),
  };
}

/** The rows of several sources, one source after the other. */
function joined(name: string, sources: readonly PairSource[]): PairSource {
  const starts: number[] = [];
  let length = 0;
  for (const source of sources) {
    starts.push(length);
    length += source.length;
  }
  const place = (index: number): [PairSource, number] => {
    const k = starts.findLastIndex((start) => start <= index);
    return [sources[k], index - starts[k]];
  };
  return {
    name,
    length,
    text(index) {
      const [source, row] = place(index);
      return source.text(row);
    },
    row(index) {
      const [source, row] = place(index);
      return source.row(row);
    },
  };
}

/** Some rows of a source, in the order given. */
export function selectRows(source: PairSource, rows: ArrayLike<number>, name: string): PairSource {
  return {
    name,
    length: rows.length,
    text: (index) => source.text(rows[index]),
    row: (index) => source.row(rows[index]),
  };
}

/**
 * Rows several times over, so that a small data set is seen as often as it should be: a row that is to be seen three times in an
 * epoch stands there three times, and is cropped and captioned anew each time. Rows say it themselves (`times`), and what is said by
 * the name of their data set multiplies that.
 * @param factors how many times, by the name of the data set (each row's `source`); the others once
 * @throws a sentence where there is no such data set
 */
export function upsample(source: PairSource, factors: ReadonlyMap<string, number>): PairSource {
  const rows: number[] = [];
  const found = new Set<string>();
  for (let index = 0; index < source.length; index++) {
    const { source: dataSet, times = 1 } = source.text(index);
    found.add(dataSet);
    for (let time = times * (factors.get(dataSet) ?? 1); time > 0; time--) rows.push(index);
  }
  for (const name of factors.keys())
    if (!found.has(name))
      throw new Error(
        `Showing ${name} more often: ${source.name} has no such data set, only ${[...found].join(', ')}. Name one of these.`,
      );
  return rows.length === source.length ? source : selectRows(source, rows, source.name);
}

/** `count` rows of a source in its order, the same ones for the same seed; all where it has no more. */
export function drawRows(source: PairSource, { count, seed }: { count: number; seed: number }): PairSource {
  if (source.length <= count) return source;
  const order = permutation(source.length, randomStream('sample', seed));
  return selectRows(source, order.subarray(0, count).sort(), source.name);
}

/** Takes `count` rows out of a source, whatever they are, the same ones for the same seed. */
export function splitRows(
  source: PairSource,
  { count, seed }: { count: number; seed: number },
): { train: PairSource; heldOut: PairSource } {
  if (count > source.length / 2) throw tooMany(source, count, `${source.length} rows`);
  const order = permutation(source.length, randomStream('held-out rows', seed));
  return {
    train: selectRows(source, order.subarray(count).sort(), `${source.name}, training rows`),
    heldOut: selectRows(source, order.subarray(0, count).sort(), `${source.name}, held-out rows`),
  };
}

function tooMany(source: PairSource, count: number, found: string): Error {
  return new Error(
    `Holding ${count} rows of ${source.name} out of training: found ${found}, of which at most half may be held out. Hold out fewer, or train on more.`,
  );
}

/** The first caption of each row as its label, each another one: for data that has no labels. */
export function namedByCaption(source: PairSource): PairSource {
  const named = <Row extends PairText>(row: Row): Row => ({
    ...row,
    labels: row.captions.slice(0, 1),
    captions: [],
  });
  return {
    ...source,
    text: (index) => named(source.text(index)),
    row: async (index) => named(await source.row(index)),
  };
}

/** All rows in their order. */
export async function* readRows(source: PairSource): AsyncGenerator<PairRow> {
  for (let index = 0; index < source.length; index++) yield await source.row(index);
}

/**
 * How many rows to hold out where nobody says: a tenth of the labelled ones, `most` at most, as far as their classes allow; none
 * where that is fewer than `least`.
 */
export function defaultHeldOut(source: PairSource, { least, most }: { least: number; most: number }): number {
  let labelled = 0;
  for (let index = 0; index < source.length; index++) if (source.text(index).labels.length > 0) labelled++;
  const candidates = classesOfSeveral(source).reduce((sum, rows) => sum + rows.length, 0);
  const count = Math.min(most, Math.floor(labelled / 10), Math.floor(candidates / 2));
  return count < least ? 0 : count;
}

/** The rows of each class of each data set that has two pictures or more. */
function classesOfSeveral(source: PairSource): number[][] {
  const classes = groupBy(Array(source.length).keys(), (index) => {
    const { labels, source: dataSet } = source.text(index);
    return labels.slice(0, 1).map((label) => `${dataSet}\n${label}`);
  });
  return [...classes.values()].filter((rows) => rows.length > 1);
}

/**
 * Takes `count` labelled rows out of a source, to choose a checkpoint by: every class of every data set gives in
 * proportion to its rows, the same rows for the same seed. A class with a single picture keeps it for training.
 */
export function splitHeldOut(
  source: PairSource,
  { count, seed }: { count: number; seed: number },
): { train: PairSource; heldOut: PairSource } {
  const candidates = classesOfSeveral(source).flatMap((rows) => shuffled(rows, seed));
  if (count > candidates.length / 2)
    throw tooMany(source, count, `${candidates.length} labelled rows in classes of two and more`);
  // Every (candidates / count)-th row of a list ordered by class is a sample in proportion to the classes' sizes.
  const heldOut = Array.from(
    { length: count },
    (_, i) => candidates[Math.floor(((i + 0.5) * candidates.length) / count)],
  );
  const taken = new Set(heldOut);
  const train: number[] = [];
  for (let index = 0; index < source.length; index++) if (!taken.has(index)) train.push(index);
  return {
    train: selectRows(source, train, `${source.name}, training rows`),
    heldOut: selectRows(
      source,
      heldOut.sort((a, b) => a - b),
      `${source.name}, held-out rows`,
    ),
  };
}

/**
 * Takes `count` whole classes out of a source, the same ones for the same seed, to see what training makes of words that no picture
 * carried: of every row whose labels name one of them, whatever its data set, training sees nothing. Captions may still speak of them.
 * @throws a sentence where too few classes would be left to train on
 */
export function splitClasses(
  source: PairSource,
  { count, seed }: { count: number; seed: number },
): { train: PairSource; unseen: PairSource } {
  const labelsOf = (index: number) => source.text(index).labels.map((label) => label.toLowerCase());
  const classes = new Set<string>();
  for (let index = 0; index < source.length; index++) {
    const [first] = labelsOf(index);
    if (first !== undefined) classes.add(first);
  }
  if (count > classes.size / 2)
    throw new Error(
      `Holding ${count} classes of ${source.name} out of training: found ${classes.size} classes, of which at most half may be held out. Hold out fewer, or train on more.`,
    );
  const names = [...classes].sort();
  const order = permutation(names.length, randomStream('held-out classes', seed));
  const chosen = new Set(Array.from(order.subarray(0, count), (i) => names[i]));
  const train: number[] = [];
  const unseen: number[] = [];
  for (let index = 0; index < source.length; index++)
    (labelsOf(index).some((label) => chosen.has(label)) ? unseen : train).push(index);
  return {
    train: selectRows(source, train, source.name),
    unseen: selectRows(source, unseen, `${source.name}, unseen classes`),
  };
}

function shuffled(rows: readonly number[], seed: number): number[] {
  const order = permutation(rows.length, randomStream('held-out', seed, rows[0]));
  return Array.from(order, (i) => rows[i]);
}

/**
 * Pictures with words, wherever they lie, as one numbered list of rows: parquet files, folders of them, and class folders
 * (folder/<class>/<pictures>), joined in the order in which they are named. All words and the encoded pictures of parquet
 * files are held in memory; class folders are read picture by picture. Whatever is missing or malformed is refused while
 * opening, with a sentence that names the file, not in the middle of a training run.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openClassFolder } from './class-folder.ts';
import { openParquet } from './parquet.ts';
import { permutation, randomStream } from './random.ts';
import type { PairRow, PairSource } from './types.ts';

/**
 * Opens comma-separated paths of parquet files, folders of parquet files and class folders as one list of rows.
 * `onLeftOut` is told in a sentence of what lies there and is not read.
 */
export async function openSources(
  spec: string,
  onLeftOut: (message: string) => void = console.warn,
): Promise<PairSource> {
  const sources: PairSource[] = [];
  for (const path of spec.split(',')) {
    if (path.trim() === '')
      throw new Error(
        `Opening the data "${spec}": found an empty path, expected parquet files or folders separated by single commas. Take the extra comma out.`,
      );
    sources.push(...(await openPath(path.trim(), onLeftOut)));
  }
  return sources.length === 1 ? sources[0] : joined(spec, sources);
}

async function openPath(path: string, onLeftOut: (message: string) => void): Promise<PairSource[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new Error(
      `Opening the data ${path}: no such file or folder can be read; expected a parquet file, a folder of parquet files or a class folder (folder/<class>/<pictures>). Check the path and its permissions.`,
      { cause },
    );
  });
  if (!found.isDirectory()) return [await openParquet(path)];
  const entries = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
  const names = entries.map(({ name }) => name).sort();
  const parquetFiles = names.filter((name) => name.endsWith('.parquet'));
  if (parquetFiles.length === 0) return [await openClassFolder(path, onLeftOut)];
  const folders = entries.filter((entry) => entry.isDirectory()).length;
  if (folders > 0)
    onLeftOut(
      `Opening the data ${path}: left out ${folders} folders in it, since a folder that holds parquet files is no class folder. Move class folders into a folder of their own and name that too, after a comma.`,
    );
  const sources: PairSource[] = [];
  for (const name of parquetFiles) sources.push(await openParquet(join(path, name)));
  return sources;
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
 * The rows of some data sets several times over, so that a small one is seen as often as it should be: a row that is to be
 * seen three times in an epoch stands there three times, and is cropped and captioned anew each time.
 * @param factors how many times, by the name of the data set (each row's `source`); the others once
 * @throws a sentence where there is no such data set
 */
export function upsample(source: PairSource, factors: ReadonlyMap<string, number>): PairSource {
  if (factors.size === 0) return source;
  const rows: number[] = [];
  const found = new Set<string>();
  for (let index = 0; index < source.length; index++) {
    const dataSet = source.text(index).source;
    found.add(dataSet);
    for (let time = factors.get(dataSet) ?? 1; time > 0; time--) rows.push(index);
  }
  for (const name of factors.keys())
    if (!found.has(name))
      throw new Error(
        `Showing ${name} more often: ${source.name} has no such data set, only ${[...found].join(', ')}. Name one of these.`,
      );
  return selectRows(source, rows, source.name);
}

/** All rows in their order. */
export async function* readRows(source: PairSource): AsyncGenerator<PairRow> {
  for (let index = 0; index < source.length; index++) yield await source.row(index);
}

/** How many rows to hold out where nobody says: a tenth of the labelled ones, `most` at most, as far as their classes allow. */
export function defaultHeldOut(source: PairSource, most: number): number {
  let labelled = 0;
  for (let index = 0; index < source.length; index++) if (source.text(index).labels.length > 0) labelled++;
  const candidates = classesOfSeveral(source).reduce((sum, rows) => sum + rows.length, 0);
  return Math.min(most, Math.floor(labelled / 10), Math.floor(candidates / 2));
}

/** The rows of each class of each data set that has two pictures or more. */
function classesOfSeveral(source: PairSource): number[][] {
  const classes = new Map<string, number[]>();
  for (let index = 0; index < source.length; index++) {
    const { labels, source: dataSet } = source.text(index);
    if (labels.length === 0) continue;
    const key = `${dataSet}\n${labels[0]}`;
    const rows = classes.get(key);
    if (rows) rows.push(index);
    else classes.set(key, [index]);
  }
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
    throw new Error(
      `Holding ${count} rows of ${source.name} out of training: found ${candidates.length} labelled rows in classes of two and more, of which at most half may be held out. Hold out fewer, or train on more.`,
    );
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

function shuffled(rows: readonly number[], seed: number): number[] {
  const order = permutation(rows.length, randomStream('held-out', seed, rows[0]));
  return Array.from(order, (i) => rows[i]);
}

/** What lies at a path, told by its name and its first bytes, and opened by whoever can read it. */
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { messageOf } from '../clip/message-of.ts';
import { readNamedFile } from '../files/folder.ts';
import { openClassFolder } from './class-folder.ts';
import { openCoco } from './coco.ts';
import { type CsvColumns, openCsv } from './csv.ts';
import { openParquet } from './parquet.ts';
import { beginning, firstLine } from './records.ts';
import { expandBraces, hasBraces } from './source-spec.ts';
import type { PairSource } from './types.ts';
import { openVisualGenome } from './visual-genome.ts';
import { openWebDataset } from './webdataset.ts';
import { isYfccLine, openYfcc } from './yfcc.ts';

/** For `--help`. */
export const DATA_KINDS =
  'parquet files, folders of them, class folders, .csv or .tsv lists, WebDataset .tar files, COCO captions, Visual Genome region descriptions or YFCC100M metadata, separated by commas; {00000..00099} in a path stands for a series';

const EXPECTED =
  'a parquet file, a folder of parquet files, a class folder (folder/<class>/<pictures>), a .csv or .tsv list, a WebDataset .tar, a .json of COCO captions or Visual Genome region descriptions, or yfcc100m_dataset';

export interface OpenOptions {
  /** Told in a sentence of what lies there and is not read. */
  readonly onLeftOut: (message: string) => void;
  /** Told of each file and class folder before it is read; may refuse it. */
  readonly onFile: (path: string) => Promise<void>;
  /** How lists name their columns. */
  readonly csv: CsvColumns;
}

export async function openPath(path: string, options: OpenOptions): Promise<PairSource[]> {
  const files = hasBraces(path) ? expandBraces(path) : [path];
  const isFolder = new Map<string, boolean>();
  for (const file of files) {
    isFolder.set(file, (await found(file)).isDirectory());
    if (!isFolder.get(file)) await options.onFile(file);
  }
  // A series of tar files is one data set, of one name.
  if (files.every((file) => !isFolder.get(file) && extname(file).toLowerCase() === '.tar'))
    return [await openWebDataset(path, files, options.onLeftOut)];
  const sources: PairSource[] = [];
  for (const file of files)
    sources.push(...(isFolder.get(file) ? await openFolder(file, options) : [await openFile(file, options)]));
  return sources;
}

async function found(path: string) {
  return stat(path).catch((cause: unknown) => {
    throw new Error(
      `Opening the data ${path}: no such file or folder can be read; expected ${EXPECTED}. Check the path and its permissions.`,
      { cause },
    );
  });
}

async function openFile(path: string, { onLeftOut, csv }: OpenOptions): Promise<PairSource> {
  if (basename(path).startsWith('yfcc100m_dataset')) return openYfcc(path, onLeftOut);
  switch (extname(path).toLowerCase()) {
    case '.tar':
      return openWebDataset(path, [path], onLeftOut);
    case '.json':
      return openJson(path, onLeftOut);
    case '.csv':
    case '.tsv':
      return isYfccLine(await firstLine(path)) ? openYfcc(path, onLeftOut) : openCsv(path, csv, onLeftOut);
    case '.parquet':
      return openParquet(path, onLeftOut);
    default:
      return openNameless(path, onLeftOut);
  }
}

const COMPRESSED = /\.(gz|tgz|bz2|xz|zst|zip|7z)$/i;

/** A file whose name does not say what it is: parquet does in its first bytes. */
async function openNameless(path: string, onLeftOut: (message: string) => void): Promise<PairSource> {
  if ((await beginning(path)).startsWith('PAR1')) return openParquet(path, onLeftOut);
  throw new Error(
    COMPRESSED.test(path)
      ? `Opening the data ${path}: found a compressed file, expected ${EXPECTED}. Unpack it, a .tar.gz by gunzip so that the .tar is left as it is, and name what comes out.`
      : `Opening the data ${path}: found a file that neither its name nor its first bytes tell the kind of, expected ${EXPECTED}. Give it the ending of what it is, or name another.`,
  );
}

async function openJson(path: string, onLeftOut: (message: string) => void): Promise<PairSource> {
  if ((await beginning(path)).trimStart().startsWith('[')) return openVisualGenome(path, onLeftOut);
  const advice = "Name COCO's captions or Visual Genome's region_descriptions.json.";
  const bytes = await readNamedFile(path, advice);
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new Error(
      `Reading ${path}: found no sound JSON (${messageOf(cause)}). Check that the file is complete. ${advice}`,
      { cause },
    );
  }
  return openCoco(path, content, onLeftOut);
}

async function openFolder(path: string, { onLeftOut, onFile }: OpenOptions): Promise<PairSource[]> {
  const entries = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
  const names = entries.map(({ name }) => name).sort();
  const parquetFiles = names.filter((name) => name.endsWith('.parquet'));
  if (parquetFiles.length === 0) {
    await onFile(path);
    return [await openClassFolder(path, onLeftOut)];
  }
  const folders = entries.filter((entry) => entry.isDirectory()).length;
  if (folders > 0)
    onLeftOut(
      `Opening the data ${path}: left out ${folders} folders in it, since a folder that holds parquet files is no class folder. Move class folders into a folder of their own and name that too, after a comma.`,
    );
  const sources: PairSource[] = [];
  for (const name of parquetFiles) {
    const file = join(path, name);
    await onFile(file);
    sources.push(await openParquet(file, onLeftOut));
  }
  return sources;
}

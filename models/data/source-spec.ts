/**
 * What --train-data and --data say: paths separated by commas, each with braces for a series of files and, where rows are to be
 * seen several times in an epoch, with how many times: `cc3m/{00000..00331}.tar*2,flickr8k.csv`.
 */

/** A million tars are a slip of the fingers: the largest sets that people train on have some hundred thousand. */
const MAX_FILES = 1_000_000;

export interface NamedPath {
  /** With its braces. */
  readonly path: string;
  readonly times: number;
}

/** @throws a sentence that names the path at fault */
export function parseSpec(spec: string): NamedPath[] {
  return spec.split(',').map((part) => {
    const [path, times, ...more] = part.trim().split('*');
    if (path.trim() === '')
      throw new Error(
        `Opening the data "${spec}": found an empty path, expected parquet files, folders or lists separated by single commas. Take the extra comma out.`,
      );
    if (times === undefined) return { path: path.trim(), times: 1 };
    if (more.length > 0 || !/^\s*[1-9]\d?\s*$/.test(times))
      throw new Error(
        `Opening the data ${part.trim()}: found * without a single number from 1 to 99 after it, expected path*2 for rows that are seen twice in an epoch. A path that itself has a * in it cannot be read, nor stands * for other names: rename the file, or write {00000..00099} for a series.`,
      );
    return { path: path.trim(), times: Number(times) };
  });
}

export function hasBraces(path: string): boolean {
  return path.includes('{') || path.includes('}');
}

/**
 * `shards/{08..10}.tar` as its files: shards/08.tar, shards/09.tar, shards/10.tar. Numbers are padded as in a shell, to the longer of the
 * two where one begins with 0. Several braces give every combination, the last one running fastest.
 */
export function expandBraces(path: string): string[] {
  const refused = (found: string) =>
    new Error(
      `Opening the data ${path}: found ${found}, expected braces with two numbers, the smaller first: shards/{00000..00099}.tar. Write files of other names one by one, after commas.`,
    );
  const [start, ...series] = path.split('{');
  if (start.includes('}')) throw refused('a closing brace without an opening one');
  let expanded = [start];
  for (const part of series) {
    const [, from, to, rest] = /^(\d{1,15})\.\.(\d{1,15})\}([^}]*)$/.exec(part) ?? [];
    if (from === undefined) throw refused(`{${part}`);
    if (Number(from) > Number(to)) throw refused(`${from} before ${to}`);
    const count = Number(to) - Number(from) + 1;
    if (count * expanded.length > MAX_FILES) throw refused(`more than ${MAX_FILES} files`);
    const isPadded = [from, to].some((number) => number.length > 1 && number.startsWith('0'));
    const width = isPadded ? Math.max(from.length, to.length) : 0;
    expanded = expanded.flatMap((before) =>
      Array.from({ length: count }, (_, i) => before + String(Number(from) + i).padStart(width, '0') + rest),
    );
  }
  return expanded;
}

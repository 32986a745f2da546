// Pictures by a pattern of their paths, of which one place or several tell the class: `train/{class}/images/*.JPEG`,
// `data/{class}_*.jpg`, `train/*/{class}/{class}/*.jpg`. `*` stands for any part of one folder's or file's name.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface PicturePath {
  /** Below the folder that was searched, with forward slashes. */
  readonly path: string;
  /** What stood in the places of {class}, with a slash between them. */
  readonly className: string;
}

/** In the order of their paths. Throws a sentence where the pattern has no {class} or fits nothing. */
export async function findPictures(folder: string, pattern: string): Promise<PicturePath[]> {
  if (!pattern.includes('{class}'))
    throw new Error(
      `Looking for ${pattern} in ${folder}: the pattern must hold {class} where the class's name stands.`,
    );
  const segments = pattern.split('/').map(segmentPattern);
  const found: PicturePath[] = [];
  const walk = async (path: string, depth: number, className: string): Promise<void> => {
    const segment = segments[depth];
    const isLast = depth === segments.length - 1;
    for (const entry of await list(join(folder, path), folder, pattern)) {
      const match = segment.exec(entry.name);
      if (!match || entry.isDirectory() === isLast) continue;
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      const name = [className, match[1]].filter(Boolean).join('/');
      if (isLast) found.push({ path: below, className: name });
      else await walk(below, depth + 1, name);
    }
  };
  await walk('', 0, '');
  if (found.length === 0)
    throw new Error(
      `Looking for ${pattern} in ${folder}: found no picture. Check that the repository is there whole and the pattern fits its folders.`,
    );
  return found;
}

/** The shortest {class} that fits, so that `{class}_*.jpg` ends it at the first underscore. */
function segmentPattern(segment: string): RegExp {
  const escaped = segment.replace(/[.+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replace('{class}', '(.+?)')}$`);
}

async function list(path: string, folder: string, pattern: string) {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw new Error(`Looking for ${pattern} in ${folder}: ${path} cannot be listed.`, { cause });
  });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

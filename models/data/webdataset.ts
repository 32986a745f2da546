/**
 * WebDataset: tar files whose entries with one name up to the first dot are a sample: a picture, its caption in .txt or .json,
 * its class in .cls. Words are read while opening; of pictures only the place in the tar file is kept.
 */
import { basename, dirname, resolve, sep } from 'node:path';
import * as v from 'valibot';
import { parseLabel } from './labels.ts';
import { counted, inUtf8, type LeftOut, leaveOut } from './left-out.ts';
import { hasPictureName, PICTURE_NAMES } from './picture-names.ts';
import { type PicturePlace, type PictureRow, pictureSource } from './picture-rows.ts';
import { openTar, type TarEntry } from './tar-entries.ts';
import type { PairSource } from './types.ts';

/** Of an entry with words, so that a mislabelled video is not read as a caption. */
const MAX_WORDS_BYTES = 2 ** 20;

// img2dataset's .json has much more, and null where a picture had no caption.
const Described = v.object({
  caption: v.nullish(v.string(), ''),
  captions: v.nullish(v.array(v.string()), []),
});

interface Sample {
  picture?: PicturePlace;
  name?: string;
  readonly labels: string[];
  readonly captions: Set<string>;
}

/** @param name the tar file or the pattern as it was given */
export async function openWebDataset(
  name: string,
  paths: readonly string[],
  onLeftOut: (message: string) => void,
): Promise<PairSource> {
  const rows: PictureRow[] = [];
  const leftOut: LeftOut = new Map();
  for (const path of paths) {
    const others: LeftOut = new Map();
    const found = await readSamples(path, others);
    if (found.length === 0)
      throw new Error(
        `Reading ${path}: found no picture with words${others.size > 0 ? ` but ${counted(others)}` : ''}, expected samples of ${PICTURE_NAMES} and .txt, .json (caption or captions) or .cls (a word), each with one name up to the first dot. Leave the file out.`,
      );
    for (const row of found) rows.push(row);
    for (const [kind, count] of others) leaveOut(leftOut, kind, count);
  }
  if (leftOut.size > 0)
    onLeftOut(
      `Reading ${name}: left out ${counted(leftOut)}, expected a picture and .txt, .json (caption or captions) or .cls (a word) in each sample, words in UTF-8.`,
    );
  return pictureSource(name, dataSetName(name), rows);
}

/** `shards/cc3m-train-{0000..0575}.tar` → cc3m-train; a pattern that begins with its numbers is called by its folder. */
function dataSetName(name: string): string {
  const [start] = basename(name).split('{', 1);
  return start.replace(/\.tar$/i, '').replace(/[-_.\s]+$/, '') || basename(dirname(resolve(name)));
}

async function readSamples(path: string, leftOut: LeftOut): Promise<PictureRow[]> {
  const samples = new Map<string, Sample>();
  const tar = await openTar(path);
  try {
    for await (const entry of tar.entries()) {
      const [, key, ending] = /^((?:.*\/)?[^/.]+)\.([^/]+)$/.exec(entry.name) ?? [];
      if (!entry.isFile || key === undefined) {
        leaveOut(leftOut, entry.isFile ? 'file without an ending' : 'link');
        continue;
      }
      const sample = samples.get(key) ?? { labels: [], captions: new Set() };
      samples.set(key, sample);
      const kind = ending.toLowerCase();
      if (!kind.includes('.') && hasPictureName(`.${kind}`)) {
        if (sample.picture) leaveOut(leftOut, 'second picture of a sample');
        else {
          sample.picture = { path, part: { offset: entry.offset, length: entry.length } };
          sample.name = entry.name;
        }
      } else if (['txt', 'json', 'cls'].includes(kind)) {
        const words = await wordsOf(entry, kind);
        if (words === null) leaveOut(leftOut, `.${kind} that cannot be read`);
        for (const label of inUtf8(words?.labels ?? [], leftOut, 'label')) sample.labels.push(label);
        for (const caption of inUtf8(words?.captions ?? [], leftOut)) sample.captions.add(caption);
      }
    }
  } finally {
    await tar.close();
  }

  async function wordsOf(entry: TarEntry, kind: string) {
    if (entry.length > MAX_WORDS_BYTES) return null;
    const text = (await tar.read(entry)).toString().trim();
    if (kind === 'txt') return { labels: [], captions: text === '' ? [] : [text] };
    // A number is a class that only the data set's makers can name.
    if (kind === 'cls') return { labels: /^[\d\s]*$/.test(text) ? [] : parseLabel(text), captions: [] };
    const captions = captionsInJson(text);
    return captions && { labels: [], captions };
  }

  // The whole path: shards of one name lie in folders of one name, part1/shards/00000.tar and part2/shards/00000.tar.
  const file = path.replaceAll(sep, '/');
  const rows: PictureRow[] = [];
  for (const { picture, name, labels, captions } of samples.values()) {
    if (!picture) leaveOut(leftOut, 'sample without a picture');
    else if (labels.length === 0 && captions.size === 0) leaveOut(leftOut, 'sample without words');
    else rows.push({ id: `${file} ${name}`, labels, captions: [...captions], picture });
  }
  return rows;
}

function captionsInJson(text: string): string[] | null {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = v.safeParse(Described, content);
  if (!parsed.success) return null;
  const { caption, captions } = parsed.output;
  return [caption, ...captions].map((sentence) => sentence.trim()).filter((sentence) => sentence !== '');
}

// Which of the dropped files are pictures that can be ranked: asked of the first bytes, before anything is decoded.

import { type ImageFormat, imageFormat, readImageHeader } from '../../models/clip/image-header.ts';
import { messageOf } from '../../models/clip/message-of.ts';
import type { DroppedFile, Unread } from '../ui/dropped-files.ts';
import { HEADER_BYTES, LONG_HEADER_BYTES } from './limits.ts';

/** Files looked at side by side; each waits for the disk. */
const ABREAST = 16;

/** Names that folders are full of and nobody means. */
const CLUTTER = /^(?:\.|Thumbs\.db$|desktop\.ini$)/i;

/** Files as they are found; one that could not even be opened stands among them with its reason. */
export type Files = Iterable<File> | AsyncIterable<DroppedFile | LeftOut>;

/** Of what was given, with why. */
export type LeftOut = Unread;

export interface Checked {
  readonly pictures: readonly File[];
  readonly leftOut: readonly LeftOut[];
}

/** Sorts files into pictures and the rest, some at a time and in their order. */
export async function* checkFiles(files: Files): AsyncGenerator<Checked> {
  let some: File[] = [];
  for await (const found of files) {
    if ('reason' in found) {
      yield { pictures: [], leftOut: [found] };
      continue;
    }
    const file = found instanceof File ? found : found.file;
    if (CLUTTER.test(file.name)) continue;
    some.push(file);
    if (some.length < ABREAST) continue;
    yield await checkTogether(some);
    some = [];
  }
  if (some.length > 0) yield await checkTogether(some);
}

async function checkTogether(files: readonly File[]): Promise<Checked> {
  const reasons = await Promise.all(files.map(whyNoPicture));
  const leftOut = files.flatMap(({ name }, i) => {
    const reason = reasons[i];
    return typeof reason === 'string' ? [{ name, reason }] : [];
  });
  return { pictures: files.filter((_, i) => reasons[i] === null), leftOut };
}

async function whyNoPicture(file: File): Promise<string | null> {
  try {
    await pictureSize(file, file.name);
    return null;
  } catch (error) {
    if (error instanceof DOMException) return unreadable(file.name); // NotFoundError, NotReadableError
    return messageOf(error);
  }
}

/** The browser's own words name no file. */
export function unreadable(name: string): string {
  return `${name} could not be read: it was moved, deleted or is locked. Check that it opens elsewhere, and add it again.`;
}

/** Width and height as the file states them, without its orientation. Throws a sentence where it is no picture or too large. */
export async function pictureSize(
  file: Blob,
  name: string,
): Promise<{ readonly width: number; readonly height: number }> {
  const head = await firstBytes(file, HEADER_BYTES);
  // Refuses a film here, of which no more is read.
  const format = imageFormat(head, name);
  try {
    return readImageHeader(head, name);
  } catch (error) {
    if (file.size <= HEADER_BYTES || !goesOn(format, error)) throw error;
    if (file.size > LONG_HEADER_BYTES) {
      throw new Error(
        `${name} is too large a file: its ${format} header does not say how many pixels it has within ` +
          `${HEADER_BYTES / 1024} kB, and more is read only of files under ${LONG_HEADER_BYTES / 1024 ** 2} MB. ` +
          'Save it as JPEG and add it again.',
        { cause: error },
      );
    }
    return oneAtATime(async () => readImageHeader(new Uint8Array(await file.arrayBuffer()), name));
  }
}

/**
 * Read as a stream: for a part of a file (`slice`) Chromium asks another process how large it is and where to keep the part, and
 * the page's thread stands still until it has both answers.
 */
async function firstBytes(file: Blob, most: number): Promise<Uint8Array> {
  const reader = file.stream().getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < most) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  await reader.cancel();
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes.subarray(0, most);
}

/** A JPEG with a long preamble and a TIFF with its directory at the end lead out of what was read; HEIF may have its boxes after the pixels. */
function goesOn(format: ImageFormat, error: unknown): boolean {
  const ledOut = error instanceof Error && error.cause instanceof RangeError;
  return ledOut || format === 'HEIC' || format === 'AVIF';
}

let last: Promise<unknown> = Promise.resolve();

/** Sixteen large files side by side would be more than a tab may hold. */
function oneAtATime<Result>(work: () => Promise<Result>): Promise<Result> {
  const result = last.then(work);
  last = Promise.allSettled([result]);
  return result;
}

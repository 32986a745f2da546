// The photographs of this visit: listed before they are stored, so that they are seen at once, and listed still where they
// cannot be stored, so that a full disk costs only their being there next time.

import type { QueryClient } from '@tanstack/react-query';
import { contentHash } from '../storage/content-hash.ts';
import { StorageFullError, StorageUnavailableError } from '../storage/errors.ts';
import { getPhoto, type KeptPhoto, keepPhoto, listPhotos, removePhotos } from '../storage/photos.ts';
import { removeImageVectors } from '../storage/vectors.ts';
import { PHOTOS_KEY, type Photo, PhotoList } from './photo-list.ts';
import { checkFiles, type Files, type LeftOut, unreadable } from './picture-files.ts';

export { PHOTOS_KEY, type Photo } from './photo-list.ts';

export interface AddReport {
  /** Photographs that were found among the files. */
  readonly found: number;
  /** Files whose content was there already. */
  readonly repeated: number;
  readonly leftOut: readonly LeftOut[];
  /** Why photographs are not kept for the next visit, where they are not. */
  readonly notKept: string | null;
  /** All photographs were removed before every file was looked at; the rest was let be. */
  readonly stopped: boolean;
}

type Report = { -readonly [Name in keyof AddReport]: AddReport[Name] } & { readonly leftOut: LeftOut[] };

interface Visit {
  readonly list: PhotoList;
  /** One for each `addFiles` under way: what stops it, and its end. */
  readonly adds: Map<AbortController, Promise<AddReport>>;
}

const visits = new WeakMap<QueryClient, Visit>();

function visitOf(queryClient: QueryClient): Visit {
  const known = visits.get(queryClient);
  if (known !== undefined) return known;
  const visit = { list: new PhotoList(queryClient), adds: new Map<AbortController, Promise<AddReport>>() };
  visits.set(queryClient, visit);
  return visit;
}

const kept = (photo: KeptPhoto, key = photo.id): Photo => ({
  key,
  id: photo.id,
  name: photo.name,
  bytes: photo.bytes,
  file: null,
});

/** Kept photographs; those of this visit that are not kept stay behind them, and each keeps its key. */
export async function loadPhotos(queryClient: QueryClient): Promise<readonly Photo[]> {
  const { list } = visitOf(queryClient);
  return list.alone(async () => {
    const stored = await listPhotos();
    const ids = new Set(stored.map(({ id }) => id));
    list.replaceAll([
      ...stored.map((photo) => kept(photo, list.withId(photo.id)?.key)),
      ...list.photos().filter(({ id, file }) => file !== null && (id === null || !ids.has(id))),
    ]);
    return list.publish();
  });
}

export async function readPhoto({ id, name, file }: Photo): Promise<Blob> {
  if (file !== null) return file;
  const blob = id === null ? undefined : await getPhoto(id);
  if (blob === undefined)
    throw new Error(`${name} is not on this device any more; it was removed in another tab.`);
  return blob;
}

let listed = 0;

/** Adds files in their order. Resolves when all of them are stored or known not to be. */
export async function addFiles(queryClient: QueryClient, files: Files): Promise<AddReport> {
  const { list, adds } = visitOf(queryClient);
  const stop = new AbortController();
  const adding = add(list, files, stop.signal);
  adds.set(stop, adding);
  try {
    return await adding;
  } finally {
    adds.delete(stop);
    list.publish();
  }
}

/** Resolves when no photograph is being stored: true where some of this visit's are not kept on this device. */
export async function hasUnkept(queryClient: QueryClient): Promise<boolean> {
  const { list, adds } = visitOf(queryClient);
  while (adds.size > 0) await Promise.allSettled(adds.values());
  return list.photos().some(({ file }) => file !== null);
}

async function add(list: PhotoList, files: Files, signal: AbortSignal): Promise<AddReport> {
  const report: Report = { found: 0, repeated: 0, leftOut: [], notKept: null, stopped: false };
  // The first photographs are stored, and ranked, while others are still looked at.
  let storing = Promise.resolve();
  try {
    for await (const { pictures, leftOut } of checkFiles(files)) {
      if (signal.aborted) {
        report.stopped = true;
        break;
      }
      report.leftOut.push(...leftOut);
      report.found += pictures.length;
      const photos = pictures.map((file) => {
        const photo = { key: `new-${listed++}`, id: null, name: file.name, bytes: file.size, file };
        list.set(photo);
        return photo;
      });
      storing = storing.then(async () => {
        for (const { key, file } of photos) await keep(list, key, file, report);
      });
    }
  } finally {
    await storing;
  }
  return report;
}

/** Stores a listed photograph, unless it was removed before its turn. */
async function keep(list: PhotoList, key: string, file: File, report: Report): Promise<void> {
  if (list.get(key) === undefined) return;
  const bytes = await readBytes(file);
  if (bytes === null) {
    list.delete(key);
    report.leftOut.push({ name: file.name, reason: unreadable(file.name) });
    return;
  }
  const id = await contentHash(bytes);
  await list.alone(async () => {
    const photo = list.get(key);
    if (photo === undefined) return;
    const same = list.withId(id);
    if (same !== undefined) {
      list.delete(key);
      report.repeated += 1;
      if (same.file === null) return;
    }
    try {
      const photo = await keepPhoto(file, id, bytes);
      askToStay(list);
      list.set(kept(photo, same?.key ?? key));
    } catch (error) {
      if (!(error instanceof StorageFullError || error instanceof StorageUnavailableError)) throw error;
      report.notKept ??= error.message;
      if (same === undefined) list.set({ ...photo, id });
    }
  });
}

let asked = false;

/**
 * Asks that the browser does not clear what is here when the disk runs full: with the first photograph, since Firefox asks
 * the visitor (Chromium decides by itself). Where it is refused, photographs stay for as long as there is room.
 */
function askToStay(list: PhotoList): void {
  if (asked) return;
  asked = true;
  if (list.photos().some(({ file }) => file === null)) return;
  // Missing where the page is no secure context.
  globalThis.navigator?.storage
    ?.persist?.()
    .catch((error: unknown) => console.warn('This browser does not say that photographs stay:', error));
}

async function readBytes(file: File): Promise<ArrayBuffer | null> {
  try {
    return await file.arrayBuffer();
  } catch (error) {
    if (error instanceof DOMException) return null; // NotFoundError, NotReadableError
    throw error;
  }
}

/** Until then the model has given up what it was about, and keeps no vector of a photograph that is gone. */
const GIVE_UP_MS = 100;

/** Removes photographs and their vectors from the page and this device; the returned function brings them back. */
export async function takeAway(
  queryClient: QueryClient,
  gone: readonly Photo[],
): Promise<() => Promise<AddReport>> {
  const { list, adds } = visitOf(queryClient);
  const all = gone.length === queryClient.getQueryData<readonly Photo[]>(PHOTOS_KEY)?.length;
  if (all) for (const stop of adds.keys()) stop.abort();
  // With all go those that are listed and not shown yet.
  const leaving = all ? list.photos() : gone;
  const files = await list.alone(async () => {
    // As they are now: some may have been stored meanwhile.
    const photos = leaving.flatMap(({ key }) => list.get(key) ?? []);
    // Read first: what undo needs is not in storage afterwards.
    const found = await Promise.all(photos.map(asFile));
    await removePhotos(photos.flatMap(({ id, file }) => (id !== null && file === null ? [id] : [])));
    for (const { key } of photos) list.delete(key);
    list.publish();
    await new Promise((resolve) => setTimeout(resolve, GIVE_UP_MS));
    await removeImageVectors(photos.flatMap(({ id }) => id ?? []));
    return found.filter((file) => file !== null);
  });
  return () => addFiles(queryClient, files);
}

/** Null where another tab has removed it. */
async function asFile({ id, name, file }: Photo): Promise<File | null> {
  const blob = file ?? (id === null ? undefined : await getPhoto(id));
  return blob === undefined ? null : new File([blob], name, { type: blob.type });
}

// The photographs of this visit: an entry of TanStack Query that is filled from this device's storage and edited as files
// come and go. A photograph is listed before it is stored, so that it is seen at once, and stays listed where it cannot
// be stored, so that a full disk costs only its being there next time.

import type { QueryClient } from '@tanstack/react-query';
import { contentHash } from '../storage/content-hash.ts';
import {
  addPhotos,
  clearPhotos,
  getPhoto,
  type KeptPhoto,
  listPhotos,
  removePhotos,
} from '../storage/photos.ts';
import { checkFiles, type LeftOut } from './picture-files.ts';

export interface Photo {
  /** The same from listing to removal: React's key. */
  readonly key: string;
  /** Content hash; null until the file has been read. */
  readonly id: string | null;
  readonly name: string;
  readonly bytes: number;
  /** Null where the bytes lie in this device's storage. */
  readonly file: Blob | null;
}

export interface AddReport {
  /** Files whose content was there already. */
  readonly repeated: number;
  readonly leftOut: readonly LeftOut[];
  /** Why photographs are not kept for the next visit, where they are not. */
  readonly notKept: string | null;
}

export const PHOTOS_KEY = ['photos'] as const;

const kept = (photo: KeptPhoto, key = photo.id): Photo => ({
  key,
  id: photo.id,
  name: photo.name,
  bytes: photo.bytes,
  file: null,
});

/** Kept photographs; those of this visit that are not kept stay behind them, and each keeps its key. */
export async function loadPhotos(queryClient: QueryClient): Promise<readonly Photo[]> {
  const stored = await listPhotos();
  const listed = queryClient.getQueryData<readonly Photo[]>(PHOTOS_KEY) ?? [];
  const keys = new Map(listed.flatMap(({ id, key }) => (id === null ? [] : [[id, key]])));
  const ids = new Set(stored.map(({ id }) => id));
  return [
    ...stored.map((photo) => kept(photo, keys.get(photo.id))),
    ...listed.filter(({ id, file }) => file !== null && (id === null || !ids.has(id))),
  ];
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
export async function addFiles(queryClient: QueryClient, files: readonly File[]): Promise<AddReport> {
  const { pictures, leftOut } = await checkFiles(files, (some) => {
    edit(queryClient, (photos) => [
      ...photos,
      ...some.map((file) => ({ key: `new-${listed++}`, id: null, name: file.name, bytes: file.size, file })),
    ]);
  });
  const report = { repeated: 0, leftOut: [...leftOut], notKept: null as string | null };
  const identify = (file: File, id: string, photo: KeptPhoto | null) => {
    edit(queryClient, (photos) => {
      const entry = photos.find((candidate) => candidate.file === file);
      if (entry === undefined) return photos;
      if (photos.some((other) => other.id === id)) {
        report.repeated += 1;
        return photos.filter((other) => other !== entry);
      }
      const known = photo === null ? { ...entry, id } : kept(photo, entry.key);
      return photos.map((other) => (other === entry ? known : other));
    });
  };
  const drop = (file: File, reason: string) => {
    edit(queryClient, (photos) => photos.filter((photo) => photo.file !== file));
    report.leftOut.push({ name: file.name, reason });
  };

  try {
    const { notKept } = await addPhotos(pictures, (photo, file) => identify(file, photo.id, photo));
    for (const { file, id, reason } of notKept) {
      if (id === null) {
        drop(file, reason);
      } else {
        report.notKept ??= reason;
        identify(file, id, null);
      }
    }
  } catch (error) {
    // No storage at all, as in some private windows: the photographs are there for this visit.
    report.notKept = error instanceof Error ? error.message : String(error);
    for (const file of pictures) {
      try {
        identify(file, await contentHash(await file.arrayBuffer()), null);
      } catch {
        drop(file, `${file.name} could not be read: it was moved, deleted or is locked.`);
      }
    }
  }
  return report;
}

/** Removes photographs from the page and this device; the returned function brings them back. */
export async function takeAway(
  queryClient: QueryClient,
  gone: readonly Photo[],
): Promise<() => Promise<AddReport>> {
  // Read first: what undo needs is not in storage afterwards.
  const files: File[] = [];
  for (const photo of gone) {
    const blob = await readPhoto(photo);
    files.push(new File([blob], photo.name, { type: blob.type }));
  }
  const keys = new Set(gone.map(({ key }) => key));
  const remaining = edit(queryClient, (photos) => photos.filter(({ key }) => !keys.has(key)));
  if (remaining.length === 0) await clearPhotos();
  else await removePhotos(gone.flatMap(({ id, file }) => (id !== null && file === null ? [id] : [])));
  return () => addFiles(queryClient, files);
}

function edit(
  queryClient: QueryClient,
  change: (photos: readonly Photo[]) => readonly Photo[],
): readonly Photo[] {
  const photos = change(queryClient.getQueryData<readonly Photo[]>(PHOTOS_KEY) ?? []);
  queryClient.setQueryData(PHOTOS_KEY, photos);
  return photos;
}

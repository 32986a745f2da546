// Photographs that the visitor added, kept on this device until they are removed. Each is one transaction of its own,
// so that a full disk or an unreadable file costs that photograph and no other. Other tabs hear of every change.

import { contentHash } from './content-hash.ts';
import { committed, database, type KeptPhoto } from './database.ts';
import { StorageFullError, StorageUnavailableError } from './errors.ts';

export type { KeptPhoto } from './database.ts';

export interface NotKept {
  readonly file: File;
  /** Null where the file could not even be read. With an id, the page can still use `file` for this visit. */
  readonly id: string | null;
  /** One sentence for a person. */
  readonly reason: string;
}

export interface AddedPhotos {
  /** In the order of the files; a picture that was here already is listed as it was kept then. */
  readonly photos: readonly KeptPhoto[];
  readonly notKept: readonly NotKept[];
}

const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('promptlens-photos');
const listeners = new Set<() => void>();
channel?.addEventListener('message', () => {
  for (const listener of listeners) listener();
});

/**
 * Keeps files; `onKept` hears of each as soon as it is on disk. A file that cannot be kept, for want of room or because the
 * browser keeps nothing, is told of in the result.
 */
export async function addPhotos(
  files: Iterable<File>,
  onKept?: (photo: KeptPhoto, file: File) => void,
): Promise<AddedPhotos> {
  const photos: KeptPhoto[] = [];
  const notKept: NotKept[] = [];
  let addedAt = Date.now();
  for (const file of files) {
    const bytes = await readBytes(file);
    if (bytes === null) {
      notKept.push({
        file,
        id: null,
        reason: `${file.name} could not be read: it was moved, deleted or is locked.`,
      });
      continue;
    }
    const id = await contentHash(bytes);
    try {
      const photo = await keep(
        { id, name: file.name, type: file.type, bytes: file.size, addedAt: addedAt++ },
        bytes,
      );
      photos.push(photo);
      onKept?.(photo, file);
    } catch (error) {
      if (!(error instanceof StorageFullError || error instanceof StorageUnavailableError)) throw error;
      notKept.push({ file, id, reason: error.message });
    }
  }
  if (photos.length > 0) channel?.postMessage('changed');
  return { photos, notKept };
}

async function readBytes(file: File): Promise<ArrayBuffer | null> {
  try {
    return await file.arrayBuffer();
  } catch (error) {
    if (error instanceof DOMException) return null; // NotFoundError, NotReadableError
    throw error;
  }
}

async function keep(photo: KeptPhoto, bytes: ArrayBuffer): Promise<KeptPhoto> {
  const db = await database();
  const transaction = db.transaction(['photos', 'photoFiles'], 'readwrite');
  const before = await transaction.objectStore('photos').get(photo.id);
  if (before !== undefined) return before;
  await committed(
    transaction,
    [
      transaction.objectStore('photos').put(photo),
      // A copy of the bytes, not the File: a File may be kept as a reference to a path that goes away.
      transaction.objectStore('photoFiles').put(new Blob([bytes], { type: photo.type }), photo.id),
    ],
    photo.name,
  );
  return photo;
}

/** Every kept photograph, oldest first. */
export async function listPhotos(): Promise<KeptPhoto[]> {
  const photos = await (await database()).getAll('photos');
  return photos.sort((a, b) => a.addedAt - b.addedAt);
}

/** The photograph's bytes, or undefined where it was removed, perhaps in another tab. */
export async function getPhoto(id: string): Promise<Blob | undefined> {
  return (await database()).get('photoFiles', id);
}

export async function removePhotos(ids: Iterable<string>): Promise<void> {
  const transaction = (await database()).transaction(['photos', 'photoFiles'], 'readwrite');
  const requests: Promise<void>[] = [];
  for (const id of ids) {
    requests.push(transaction.objectStore('photos').delete(id));
    requests.push(transaction.objectStore('photoFiles').delete(id));
  }
  await committed(transaction, requests, 'the list of photographs');
  channel?.postMessage('changed');
}

export async function clearPhotos(): Promise<void> {
  const transaction = (await database()).transaction(['photos', 'photoFiles'], 'readwrite');
  await committed(
    transaction,
    [transaction.objectStore('photos').clear(), transaction.objectStore('photoFiles').clear()],
    'the list of photographs',
  );
  channel?.postMessage('changed');
}

/** Tells of changes that another tab made. Returns the function that ends it. */
export function onPhotosChanged(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

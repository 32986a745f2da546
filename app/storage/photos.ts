// Photographs that the visitor added, kept on this device until they are removed. Each is one transaction of its own,
// so that a full disk costs that photograph and no other. Other tabs hear of every change.

import { committed, database, type KeptPhoto } from './database.ts';
import { StorageUnavailableError } from './errors.ts';

export type { KeptPhoto } from './database.ts';

const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('promptlens-photos');
const listeners = new Set<() => void>();
channel?.addEventListener('message', () => {
  for (const listener of listeners) listener();
});

/** Photographs stored one after the other are told of together. */
const TELL_MS = 500;
let telling: ReturnType<typeof setTimeout> | null = null;

function tellOtherTabs(): void {
  if (telling !== null) clearTimeout(telling);
  telling = null;
  channel?.postMessage('changed');
}

let lastAddedAt = 0;

/**
 * Keeps a file with its content hash; a picture that is here already stays as it was kept then. Throws StorageFullError or
 * StorageUnavailableError.
 */
export async function keepPhoto(file: File, id: string, bytes: ArrayBuffer): Promise<KeptPhoto> {
  lastAddedAt = Math.max(Date.now(), lastAddedAt + 1);
  const photo = { id, name: file.name, type: file.type, bytes: file.size, addedAt: lastAddedAt };
  const db = await database();
  try {
    const transaction = db.transaction(['photos', 'photoFiles'], 'readwrite');
    const before = await transaction.objectStore('photos').get(id);
    if (before !== undefined) return before;
    await committed(
      transaction,
      [
        transaction.objectStore('photos').put(photo),
        // A copy of the bytes, not the File: a File may be kept as a reference to a path that goes away.
        transaction.objectStore('photoFiles').put(new Blob([bytes], { type: photo.type }), id),
      ],
      photo.name,
    );
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw new StorageUnavailableError(
      `This browser did not let the page keep ${photo.name} on this device (${String(error)}); it is there until ` +
        'this page is closed. Reload the page and add it again.',
      { cause: error },
    );
  }
  telling ??= setTimeout(tellOtherTabs, TELL_MS);
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

/** Only these: another tab may have kept photographs of which this one has not heard. */
export async function removePhotos(ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const transaction = (await database()).transaction(['photos', 'photoFiles'], 'readwrite');
  const requests: Promise<void>[] = [];
  for (const id of ids) {
    requests.push(transaction.objectStore('photos').delete(id));
    requests.push(transaction.objectStore('photoFiles').delete(id));
  }
  await committed(transaction, requests, 'the list of photographs');
  tellOtherTabs();
}

/** Tells of changes that another tab made. Returns the function that ends it. */
export function onPhotosChanged(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

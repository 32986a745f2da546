// The list of photographs as files come and go, and the entry of TanStack Query where the page reads it. A new entry costs
// the page a walk along the whole list, so changes are gathered, the longer the longer the list is: a folder costs in
// proportion to its photographs, not to their square.

import type { QueryClient } from '@tanstack/react-query';

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

export const PHOTOS_KEY = ['photos'] as const;

/** Milliseconds for each photograph listed: some fifty times what a walk along the list takes. */
const WAIT_A_PHOTO_MS = 0.05;
/** Photographs that the model waits for come in steps that nobody sees. */
const MAX_WAIT_MS = 250;

export class PhotoList {
  readonly #queryClient: QueryClient;
  /** In the order in which they are listed. */
  readonly #photos = new Map<string, Photo>();
  readonly #keys = new Map<string, string>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #published = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(queryClient: QueryClient) {
    this.#queryClient = queryClient;
  }

  get size(): number {
    return this.#photos.size;
  }

  photos(): readonly Photo[] {
    return [...this.#photos.values()];
  }

  get(key: string): Photo | undefined {
    return this.#photos.get(key);
  }

  withId(id: string): Photo | undefined {
    const key = this.#keys.get(id);
    return key === undefined ? undefined : this.#photos.get(key);
  }

  /** Takes the place of the photograph with this key, or comes last. */
  set(photo: Photo): void {
    this.#photos.set(photo.key, photo);
    if (photo.id !== null) this.#keys.set(photo.id, photo.key);
    this.#publishSoon();
  }

  delete(key: string): void {
    const id = this.#photos.get(key)?.id ?? null;
    if (id !== null) this.#keys.delete(id);
    this.#photos.delete(key);
    this.#publishSoon();
  }

  replaceAll(photos: readonly Photo[]): void {
    this.#photos.clear();
    this.#keys.clear();
    for (const photo of photos) this.set(photo);
  }

  /** Shows the page what is listed now. */
  publish(): readonly Photo[] {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#published = performance.now();
    const photos = this.photos();
    this.#queryClient.setQueryData(PHOTOS_KEY, photos);
    return photos;
  }

  /**
   * Runs `work` when whatever was to run alone before has ended: what is stored and what is listed change together, or
   * a list that is read meanwhile would lack the one or show the other.
   */
  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = Promise.allSettled([result]);
    return result;
  }

  #publishSoon(): void {
    if (this.#timer !== null) return;
    const since = performance.now() - this.#published;
    const wait = Math.min(MAX_WAIT_MS, this.size * WAIT_A_PHOTO_MS);
    this.#timer = setTimeout(() => this.publish(), Math.max(0, wait - since));
  }
}

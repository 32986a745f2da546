import 'fake-indexeddb/auto';
import type { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { contentHash } from '../storage/content-hash.ts';
import { StorageFullError, StorageUnavailableError } from '../storage/errors.ts';
import * as storage from '../storage/photos.ts';
import { getVectors, putVectors } from '../storage/vectors.ts';
import { addFiles, hasUnkept, loadPhotos, PHOTOS_KEY, type Photo, readPhoto, takeAway } from './photos.ts';
import { createQueryClient } from './query-client.ts';

/** The header of a PNG of 2 x 1 pixels, and something to tell files apart. */
function picture(name: string, content = name): File {
  const header = Uint8Array.of(
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...[0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 2, 0, 0, 0, 1, 8, 2, 0, 0, 0],
  );
  return new File([header, content], name, { type: 'image/png' });
}

let queryClient: QueryClient;
const listed = () => queryClient.getQueryData<readonly Photo[]>(PHOTOS_KEY) ?? [];
const names = () => listed().map(({ name }) => name);
const stored = async () => (await storage.listPhotos()).map(({ name }) => name);
const removeAll = async () => storage.removePhotos((await storage.listPhotos()).map(({ id }) => id));

beforeEach(async () => {
  queryClient = createQueryClient();
  await removeAll();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it('lists pictures at once and in their order, and says what it leaves out', async () => {
  const adding = addFiles(queryClient, [
    picture('a.png'),
    new File(['hello'], 'notes.txt'),
    picture('b.png'),
    new File(['x'], '.DS_Store'),
  ]);
  await vi.waitFor(() => expect(names()).toEqual(['a.png', 'b.png']));
  const { repeated, leftOut, notKept } = await adding;
  expect({ repeated, notKept }).toEqual({ repeated: 0, notKept: null });
  expect(leftOut).toEqual([
    { name: 'notes.txt', reason: expect.stringContaining('notes.txt is not a photograph') },
  ]);
  expect(listed().every(({ id, file }) => id !== null && file === null)).toBe(true);
  expect((await storage.listPhotos()).map(({ name }) => name)).toEqual(['a.png', 'b.png']);
});

it('shows the same content once', async () => {
  await addFiles(queryClient, [picture('a.png', 'same')]);
  const { repeated } = await addFiles(queryClient, [picture('b.png'), picture('copy.png', 'same')]);
  expect(repeated).toBe(1);
  expect(names()).toEqual(['a.png', 'b.png']);
});

it('keeps a photograph for this visit where the disk is full, and for later once there is room', async () => {
  const [a, b] = [picture('a.png'), picture('b.png')];
  const keep = storage.keepPhoto;
  const full = vi.spyOn(storage, 'keepPhoto').mockImplementation(async (file, id, bytes) => {
    if (file === b) throw new StorageFullError(file.name);
    return keep(file, id, bytes);
  });
  const { notKept } = await addFiles(queryClient, [a, b]);
  expect(names()).toEqual(['a.png', 'b.png']);
  expect(notKept).toContain('no room left on this device to keep b.png');
  const id = await contentHash(await b.arrayBuffer());
  expect(listed()[1]).toMatchObject({ id, file: b });
  // Another tab's change makes the list anew: what only this visit has stays, and so do the keys.
  const keys = listed().map(({ key }) => key);
  expect((await loadPhotos(queryClient)).map(({ key }) => key)).toEqual(keys);

  full.mockRestore();
  expect((await addFiles(queryClient, [picture('b.png')])).repeated).toBe(1);
  expect(listed().map(({ key, file }) => ({ key, file }))).toEqual(keys.map((key) => ({ key, file: null })));
  expect(await stored()).toEqual(['a.png', 'b.png']);
});

it('works for this visit without any storage, and goes on after a file that cannot be read', async () => {
  vi.spyOn(storage, 'keepPhoto').mockRejectedValue(
    new StorageUnavailableError('This browser did not let the page store anything.'),
  );
  const gone = picture('gone.png');
  gone.arrayBuffer = () => Promise.reject(new DOMException('', 'NotFoundError'));
  const { notKept, leftOut } = await addFiles(queryClient, [gone, picture('a.png')]);
  expect(notKept).toBe('This browser did not let the page store anything.');
  expect(leftOut).toEqual([
    { name: 'gone.png', reason: expect.stringContaining('gone.png could not be read') },
  ]);
  const [photo, ...others] = listed();
  expect(others).toEqual([]);
  expect(photo?.id).toMatch(/^[\da-f]{64}$/);
  await takeAway(queryClient, listed());
  expect(names()).toEqual([]);
});

it('shows the page many changes together', async () => {
  // Nothing is shown for having waited: what is counted does not depend on how busy the machine is.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const shown = vi.spyOn(queryClient, 'setQueryData');
  await addFiles(
    queryClient,
    Array.from({ length: 100 }, (_, i) => picture(`${i}.png`)),
  );
  expect(shown.mock.calls.length).toBeLessThan(5);
  expect(listed().filter(({ id, file }) => id !== null && file === null)).toHaveLength(100);
});

it('takes photographs away from this device, and brings them back', async () => {
  await addFiles(queryClient, [picture('a.png'), picture('b.png'), picture('c.png')]);
  const undo = await takeAway(queryClient, listed().slice(0, 2));
  expect(names()).toEqual(['c.png']);
  expect((await storage.listPhotos()).map(({ name }) => name)).toEqual(['c.png']);
  await undo();
  expect(names()).toEqual(['c.png', 'a.png', 'b.png']);
  const [, a] = listed();
  expect(a && new TextDecoder().decode((await (await readPhoto(a)).arrayBuffer()).slice(29))).toBe('a.png');

  await takeAway(queryClient, listed());
  expect(names()).toEqual([]);
  expect(await storage.listPhotos()).toEqual([]);
});

it('takes their vectors away too', async () => {
  await addFiles(queryClient, [picture('a.png'), picture('b.png')]);
  const space = { modelKey: 'm', precision: 'q8' } as const;
  const ids = listed().flatMap(({ id }) => id ?? []);
  const value = { vector: Float32Array.of(1), truncated: false };
  await putVectors(
    space,
    'image',
    ids.map((id) => [id, value]),
  );
  await takeAway(queryClient, listed().slice(0, 1));
  expect(await getVectors(space, 'image', ids)).toEqual([undefined, value]);
});

it('asks once, with the first photograph, that the browser does not clear them', async () => {
  const persist = vi.fn(async () => false);
  vi.stubGlobal('navigator', { storage: { persist } });
  vi.resetModules();
  const fresh = await import('./photos.ts');
  await fresh.addFiles(queryClient, [picture('a.png'), picture('b.png')]);
  await fresh.takeAway(queryClient, listed());
  await fresh.addFiles(queryClient, [picture('c.png')]);
  expect(names()).toEqual(['c.png']);
  expect(persist).toHaveBeenCalledTimes(1);

  vi.resetModules();
  const later = await import('./photos.ts');
  await later.loadPhotos(queryClient);
  await later.addFiles(queryClient, [picture('d.png')]);
  expect(persist).toHaveBeenCalledTimes(1);
});

it('says where a photograph went', async () => {
  await addFiles(queryClient, [picture('a.png')]);
  const [a] = listed();
  await removeAll();
  await expect(a && readPhoto(a)).rejects.toThrow('a.png is not on this device any more');
});

it('stores nothing more of what was removed while it was being added', async () => {
  const files = Array.from({ length: 40 }, (_, i) => picture(`${i}.png`));
  const adding = addFiles(queryClient, files);
  await vi.waitFor(async () => expect((await stored()).length).toBeGreaterThan(2));
  const before = names();
  const undo = await takeAway(queryClient, listed());
  const { leftOut, notKept } = await adding;
  expect({ leftOut, notKept }).toEqual({ leftOut: [], notKept: null });
  expect(names()).toEqual([]);
  expect(await stored()).toEqual([]);
  expect(await loadPhotos(queryClient)).toEqual([]);
  await undo();
  expect(names()).toEqual(expect.arrayContaining(before));
  expect(await stored()).toEqual(names());
});

it('goes on with the others when one is removed', async () => {
  const adding = addFiles(queryClient, [picture('a.png'), picture('b.png'), picture('c.png')]);
  await vi.waitFor(() => expect(names()).toHaveLength(3));
  const { stopped } = await takeAway(queryClient, listed().slice(1, 2)).then(() => adding);
  expect(stopped).toBe(false);
  expect(names()).toEqual(['a.png', 'c.png']);
  expect(await stored()).toEqual(['a.png', 'c.png']);
});

it('leaves what another tab added alone', async () => {
  await addFiles(queryClient, [picture('a.png')]);
  const other = createQueryClient();
  await addFiles(other, [picture('b.png')]);
  await takeAway(queryClient, listed());
  expect(await stored()).toEqual(['b.png']);
});

it('loses nothing when the list is made anew while photographs are stored', async () => {
  const files = Array.from({ length: 20 }, (_, i) => picture(`${i}.png`));
  let adding = true;
  const added = addFiles(queryClient, files).then(() => {
    adding = false;
  });
  await vi.waitFor(() => expect(names().length).toBeGreaterThan(0));
  let before = 0;
  while (adding) {
    const { length } = await loadPhotos(queryClient);
    expect(length).toBeGreaterThanOrEqual(before);
    before = length;
  }
  await added;
  expect(names()).toEqual(files.map(({ name }) => name));
});

it('says whether a reload would lose photographs, once all are stored', async () => {
  expect(await hasUnkept(queryClient)).toBe(false);
  void addFiles(queryClient, [picture('a.png'), picture('b.png')]);
  expect(await hasUnkept(queryClient)).toBe(false);
  expect(await stored()).toEqual(['a.png', 'b.png']);
  vi.spyOn(storage, 'keepPhoto').mockRejectedValue(new StorageFullError('c.png'));
  void addFiles(queryClient, [picture('c.png')]);
  expect(await hasUnkept(queryClient)).toBe(true);
});

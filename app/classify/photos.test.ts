import 'fake-indexeddb/auto';
import { beforeEach, expect, it, vi } from 'vitest';
import { StorageFullError } from '../storage/errors.ts';
import * as storage from '../storage/photos.ts';
import { addFiles, loadPhotos, PHOTOS_KEY, type Photo, readPhoto, takeAway } from './photos.ts';
import { createQueryClient } from './query-client.ts';

/** The header of a PNG of 2 x 1 pixels, and something to tell files apart. */
function picture(name: string, content = name): File {
  const header = Uint8Array.of(
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...[0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 2, 0, 0, 0, 1, 8, 2, 0, 0, 0],
  );
  return new File([header, content], name, { type: 'image/png' });
}

const queryClient = createQueryClient();
const listed = () => queryClient.getQueryData<readonly Photo[]>(PHOTOS_KEY) ?? [];
const names = () => listed().map(({ name }) => name);

beforeEach(async () => {
  vi.restoreAllMocks();
  queryClient.clear();
  await storage.clearPhotos();
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

it('keeps a photograph for this visit where the disk is full', async () => {
  const [a, b] = [picture('a.png'), picture('b.png')];
  const add = storage.addPhotos;
  vi.spyOn(storage, 'addPhotos').mockImplementation(async (files, onKept) => {
    const [first] = [...files];
    const kept = await add(first === undefined ? [] : [first], onKept);
    return {
      ...kept,
      notKept: [{ file: b, id: 'hash-of-b', reason: new StorageFullError('b.png').message }],
    };
  });
  const { notKept } = await addFiles(queryClient, [a, b]);
  expect(names()).toEqual(['a.png', 'b.png']);
  expect(notKept).toContain('no room left on this device to keep b.png');
  expect(listed()[1]).toMatchObject({ id: 'hash-of-b', file: b });
  // Another tab's change makes the list anew: what only this visit has stays, and so do the keys.
  const keys = listed().map(({ key }) => key);
  expect((await loadPhotos(queryClient)).map(({ key }) => key)).toEqual(keys);
});

it('works for this visit without any storage', async () => {
  vi.spyOn(storage, 'addPhotos').mockRejectedValue(
    new Error('This browser did not let the page store anything.'),
  );
  const { notKept } = await addFiles(queryClient, [picture('a.png')]);
  expect(notKept).toBe('This browser did not let the page store anything.');
  const [photo] = listed();
  expect(photo?.id).toMatch(/^[\da-f]{64}$/);
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

it('says where a photograph went', async () => {
  await addFiles(queryClient, [picture('a.png')]);
  const [a] = listed();
  await storage.clearPhotos();
  await expect(a && readPhoto(a)).rejects.toThrow('a.png is not on this device any more');
});

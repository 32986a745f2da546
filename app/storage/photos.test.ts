import 'fake-indexeddb/auto';
import { beforeEach, expect, it } from 'vitest';
import { addPhotos, clearPhotos, getPhoto, listPhotos, removePhotos } from './photos.ts';

const file = (name: string, content: string) => new File([content], name, { type: 'image/jpeg' });

beforeEach(clearPhotos);

it('keeps photographs in their order, the same content once', async () => {
  const heard: string[] = [];
  const { photos, notKept } = await addPhotos(
    [file('b.jpg', 'bee'), file('a.jpg', 'ay'), file('copy.jpg', 'bee')],
    (_, { name }) => heard.push(name),
  );
  expect(notKept).toEqual([]);
  expect(photos.map(({ name }) => name)).toEqual(['b.jpg', 'a.jpg', 'b.jpg']);
  expect(heard).toEqual(['b.jpg', 'a.jpg', 'copy.jpg']);
  const listed = await listPhotos();
  expect(listed.map(({ name, bytes, type }) => [name, bytes, type])).toEqual([
    ['b.jpg', 3, 'image/jpeg'],
    ['a.jpg', 2, 'image/jpeg'],
  ]);
  // printf bee | sha256sum
  expect(listed[0].id).toBe('62cb81b5904a262ffaeed02abef36bfc540b09f964b8b0b636662f77ffce6714');
  expect(await (await getPhoto(listed[0].id))?.text()).toBe('bee');
});

it('removes some, or all', async () => {
  const { photos } = await addPhotos([file('a', '1'), file('b', '2'), file('c', '3')]);
  await removePhotos([photos[1].id, 'unknown']);
  expect((await listPhotos()).map(({ name }) => name)).toEqual(['a', 'c']);
  expect(await getPhoto(photos[1].id)).toBeUndefined();
  await clearPhotos();
  expect(await listPhotos()).toEqual([]);
  expect(await getPhoto(photos[0].id)).toBeUndefined();
});

it('goes on after a file that cannot be read', async () => {
  const gone = file('gone.jpg', 'x');
  gone.arrayBuffer = () => Promise.reject(new DOMException('', 'NotFoundError'));
  const { photos, notKept } = await addPhotos([gone, file('here.jpg', 'y')]);
  expect(photos.map(({ name }) => name)).toEqual(['here.jpg']);
  expect(notKept).toEqual([
    { file: gone, id: null, reason: expect.stringContaining('gone.jpg could not be read') },
  ]);
});

import 'fake-indexeddb/auto';
import { beforeEach, expect, it } from 'vitest';
import { contentHash } from './content-hash.ts';
import { getPhoto, type KeptPhoto, keepPhoto, listPhotos, removePhotos } from './photos.ts';

const file = (name: string, content: string) => new File([content], name, { type: 'image/jpeg' });

async function keep(...files: readonly File[]): Promise<KeptPhoto[]> {
  const photos: KeptPhoto[] = [];
  for (const one of files) {
    const bytes = await one.arrayBuffer();
    photos.push(await keepPhoto(one, await contentHash(bytes), bytes));
  }
  return photos;
}

const removeAll = async () => removePhotos((await listPhotos()).map(({ id }) => id));
beforeEach(removeAll);

it('keeps photographs in their order, the same content once', async () => {
  const photos = await keep(file('b.jpg', 'bee'), file('a.jpg', 'ay'), file('copy.jpg', 'bee'));
  expect(photos.map(({ name }) => name)).toEqual(['b.jpg', 'a.jpg', 'b.jpg']);
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
  const photos = await keep(file('a', '1'), file('b', '2'), file('c', '3'));
  await removePhotos([photos[1].id, 'unknown']);
  expect((await listPhotos()).map(({ name }) => name)).toEqual(['a', 'c']);
  expect(await getPhoto(photos[1].id)).toBeUndefined();
  await removeAll();
  expect(await listPhotos()).toEqual([]);
  expect(await getPhoto(photos[0].id)).toBeUndefined();
});

it('tells other tabs while photographs are stored, of many together, and of a removal at once', async () => {
  const other = new BroadcastChannel('promptlens-photos');
  let told = 0;
  other.onmessage = () => {
    told += 1;
  };
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  await pause(50);
  told = 0;
  const photos = await keep(...Array.from({ length: 30 }, (_, i) => file(`${i}`, `photograph ${i}`)));
  await pause(700);
  expect(told).toBeGreaterThan(0);
  expect(told).toBeLessThan(photos.length);
  told = 0;
  await removePhotos([photos[0].id]);
  await pause(50);
  expect(told).toBe(1);
  other.close();
});

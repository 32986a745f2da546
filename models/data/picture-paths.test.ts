import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findPictures } from './picture-paths.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-paths-'));
  for (const path of [
    'train/cat/images/1.JPEG',
    'train/cat/images/1.txt',
    'train/dog/images/2.JPEG',
    'train/dog/notes.JPEG',
    'places/c/church/outdoor/3.jpg',
    'places/c/coast/4.jpg',
    'rooms/12_living room.jpg',
    'rooms/13_kitchen.jpg',
  ]) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), '');
  }
});
afterEach(() => rm(folder, { recursive: true }));

it.each([
  ['train/{class}/images/*.JPEG', { 'train/cat/images/1.JPEG': 'cat', 'train/dog/images/2.JPEG': 'dog' }],
  ['places/*/{class}/*.jpg', { 'places/c/coast/4.jpg': 'coast' }],
  ['places/*/{class}/{class}/*.jpg', { 'places/c/church/outdoor/3.jpg': 'church/outdoor' }],
  ['rooms/*_{class}.jpg', { 'rooms/12_living room.jpg': 'living room', 'rooms/13_kitchen.jpg': 'kitchen' }],
])('%s', async (pattern, expected) => {
  const found = await findPictures(folder, pattern);
  expect(Object.fromEntries(found.map(({ path, className }) => [path, className]))).toEqual(expected);
});

it('says what is wrong with a pattern', async () => {
  await expect(findPictures(folder, 'train/*/*.jpg')).rejects.toThrow('must hold {class}');
  await expect(findPictures(folder, 'train/{class}/*.gif')).rejects.toThrow('found no picture');
  await expect(findPictures(join(folder, 'gone'), '{class}/*.gif')).rejects.toThrow('cannot be listed');
});

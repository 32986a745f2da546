import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { MAX_THUMBNAILS } from './limits.ts';
import { createThumbnails } from './thumbnails.ts';

/** The header of a PNG of 2 x 1 pixels. */
const PNG = new Blob([
  Uint8Array.of(
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...[0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 2, 0, 0, 0, 1, 8, 2, 0, 0, 0],
  ),
]);
const read = async () => PNG;

const urls = new Set<string>();
let decoded = 0;

beforeEach(() => {
  urls.clear();
  decoded = 0;
  vi.stubGlobal('createImageBitmap', async () => {
    decoded += 1;
    return { width: 2, height: 1, close() {} };
  });
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      getContext() {
        return { drawImage() {} };
      }
      convertToBlob() {
        return Promise.resolve(new Blob());
      }
    },
  );
  let next = 0;
  vi.spyOn(URL, 'createObjectURL').mockImplementation(() => {
    urls.add(`blob:${next}`);
    return `blob:${next++}`;
  });
  vi.spyOn(URL, 'revokeObjectURL').mockImplementation((url) => urls.delete(url));
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it('makes one copy where a photograph is asked for again while its copy is being made', async () => {
  const thumbnails = createThumbnails();
  // The card gives up its first question when the photograph is stored, and asks again.
  const first = new AbortController();
  const asked = [
    thumbnails.get('a', read, 'a.png', first.signal),
    thumbnails.get('a', read, 'a.png', new AbortController().signal),
  ];
  first.abort();
  const [one, two] = await Promise.all(asked);
  expect(one).toBe(two);
  expect(decoded).toBe(1);
  expect([...urls]).toEqual([thumbnails.peek('a')]);
});

it('tries again what could not be read', async () => {
  const thumbnails = createThumbnails();
  const { signal } = new AbortController();
  const gone = () => Promise.reject(new Error('a.png is gone.'));
  await expect(thumbnails.get('a', gone, 'a.png', signal)).rejects.toThrow('a.png is gone.');
  expect(await thumbnails.get('a', read, 'a.png', signal)).toBe(thumbnails.peek('a'));
});

it('holds no more copies than the limit, however many photographs come and go', async () => {
  const thumbnails = createThumbnails();
  for (let i = 0; i < MAX_THUMBNAILS + 50; i++) {
    const { signal } = new AbortController();
    const ask = () => thumbnails.get(`photo-${i}`, read, 'a.png', signal);
    await Promise.all([ask(), ask()]);
  }
  expect(decoded).toBe(MAX_THUMBNAILS + 50);
  expect(urls.size).toBe(MAX_THUMBNAILS);
  expect(thumbnails.peek('photo-49')).toBeUndefined();
  expect(thumbnails.peek('photo-50')).toBeDefined();
});

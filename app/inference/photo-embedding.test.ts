import 'fake-indexeddb/auto';
import { afterEach, expect, it, vi } from 'vitest';
import { embedPhoto } from './photo-embedding.ts';

const SPACE = { modelKey: 'model', precision: 'fp32' } as const;

function fakeClient() {
  const embedded: string[] = [];
  return {
    embedded,
    embedImage: async (_photo: Blob, name: string) => {
      embedded.push(name);
      return { vector: Float32Array.of(1, 0), ms: 5 };
    },
  };
}

const photo = (id: string) => ({ id, name: `${id}.jpg`, read: async () => new Blob([id]) });
const later = () => new Promise((resolve) => setTimeout(resolve, 50));

afterEach(() => vi.restoreAllMocks());

it('asks the worker only for what is not kept', async () => {
  const client = fakeClient();
  expect(await embedPhoto(client, SPACE, photo('a'))).toEqual({ vector: Float32Array.of(1, 0), ms: 5 });
  await later();
  expect(await embedPhoto(client, SPACE, photo('a'))).toEqual({ vector: Float32Array.of(1, 0), ms: null });
  expect(client.embedded).toEqual(['a.jpg']);
});

it('never takes the vector of another precision', async () => {
  const client = fakeClient();
  await embedPhoto(client, SPACE, photo('b'));
  await later();
  expect((await embedPhoto(client, { ...SPACE, precision: 'q8' }, photo('b'))).ms).toBe(5);
});

it('computes where the browser lets the page keep nothing', async () => {
  vi.resetModules();
  vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    throw new DOMException('blocked', 'SecurityError');
  });
  const { embedPhoto: embedThere } = await import('./photo-embedding.ts');
  expect((await embedThere(fakeClient(), SPACE, photo('a'))).ms).toBe(5);
});

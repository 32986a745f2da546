import 'fake-indexeddb/auto';
import { afterEach, expect, it, vi } from 'vitest';
import { embedPhoto, embedTexts } from './embeddings.ts';

const SPACE = { modelKey: 'model', precision: 'fp32' } as const;

function fakeClient() {
  const embedded: string[] = [];
  return {
    embedded,
    embedImage: async (_photo: Blob, name: string) => {
      embedded.push(name);
      return { vector: Float32Array.of(1, 0), ms: 5 };
    },
    embedPrompts: async (prompts: readonly string[]) => {
      embedded.push(...prompts);
      return {
        vectors: prompts.map((prompt) => Float32Array.of(0, prompt.length)),
        truncated: prompts.map((prompt) => prompt.length > 5),
      };
    },
  };
}

const photo = (id: string) => ({ id, name: `${id}.jpg`, read: async () => new Blob([id]) });
const later = () => new Promise((resolve) => setTimeout(resolve, 50));

afterEach(() => vi.restoreAllMocks());

it('asks the worker only for what is not kept', async () => {
  const client = fakeClient();
  expect(await embedPhoto(client, SPACE, photo('a'))).toEqual({ vector: Float32Array.of(1, 0), ms: 5 });
  expect((await embedTexts(client, SPACE, ['cat', 'a long one', 'cat'])).truncated).toEqual([
    false,
    true,
    false,
  ]);
  await later();
  client.embedded.length = 0;

  expect(await embedPhoto(client, SPACE, photo('a'))).toEqual({ vector: Float32Array.of(1, 0), ms: null });
  const { vectors, truncated } = await embedTexts(client, SPACE, ['dog', 'a long one']);
  expect(vectors).toEqual([Float32Array.of(0, 3), Float32Array.of(0, 10)]);
  expect(truncated).toEqual([false, true]);
  expect(client.embedded).toEqual(['dog']);
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
  const { embedPhoto: embedPhotoThere, embedTexts: embedTextsThere } = await import('./embeddings.ts');
  const client = fakeClient();
  expect((await embedPhotoThere(client, SPACE, photo('a'))).ms).toBe(5);
  expect((await embedTextsThere(client, SPACE, ['cat'])).vectors).toEqual([Float32Array.of(0, 3)]);
});

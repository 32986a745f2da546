import 'fake-indexeddb/auto';
import { afterEach, expect, it, vi } from 'vitest';
import type { ImageEmbedding, InferenceClient, KnownModel } from '../inference/types.ts';
import { getVectors } from '../storage/vectors.ts';
import { Classifier, type PhotoToRank } from './classifier.ts';
import { createEncodeWith } from './encode-with.ts';
import { createQueryClient } from './query-client.ts';

const MODEL: KnownModel = {
  model: 'mini',
  modelKey: 'key',
  precision: 'q8',
  logitScale: 20,
  embedDim: 2,
  contextLength: 32,
};

const queryClient = createQueryClient();
afterEach(() => queryClient.clear());

/** A device that answers when the test says so. */
function setUp() {
  const waiting: { name: string; answer: () => void; fail: (reason: string) => void }[] = [];
  const client = {
    embedImage: (_: Blob, name: string) =>
      new Promise<ImageEmbedding>((resolve, reject) => {
        waiting.push({
          name,
          answer: () => resolve({ vector: Float32Array.of(1, 0), ms: 1 }),
          fail: (reason) => reject(new Error(reason)),
        });
      }),
    embedLabels: async (labels: readonly (readonly string[])[]) => ({
      labels: labels.map(() => ({ vector: Float32Array.of(0, 1), truncated: false })),
      encoded: labels.flat(),
    }),
  } satisfies Partial<InferenceClient>;
  const classifier = new Classifier(queryClient);
  const states = new Set<string>();
  classifier.subscribe(() => states.add(classifier.result('a').state));
  return { waiting, classifier, states, encodeWith: createEncodeWith(client, classifier) };
}

const photo = (id: string, read = async () => new Blob([id])): PhotoToRank => ({
  id,
  name: `${id}.jpg`,
  read,
});

it('asks again for what waited for a device that was given up, and shows none of it as failed', async () => {
  const { waiting, classifier, states, encodeWith } = setUp();
  classifier.update({ photos: [photo('a')], labels: ['cat'], templates: ['{}'] });
  encodeWith({ ...MODEL });
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  // As the client does it: first the word, then the rejections.
  encodeWith(null);
  waiting[0].fail('The GPU fell off.');
  await new Promise((resolve) => setTimeout(resolve, 50));
  encodeWith({ ...MODEL });
  await vi.waitFor(() => expect(waiting).toHaveLength(2));
  waiting[1].answer();
  await vi.waitFor(() => expect(classifier.result('a').state).toBe('ranked'));
  expect(states).not.toContain('failed');
});

it('brings no vector of one model under the key of another', async () => {
  const { waiting, classifier, encodeWith } = setUp();
  let goOn = () => {};
  const reading = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const read = vi.fn(async () => {
    await reading;
    return new Blob(['b']);
  });
  classifier.update({ photos: [photo('b', read)], labels: ['cat'], templates: ['{}'] });
  encodeWith(MODEL);
  await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(1));
  encodeWith({ ...MODEL, modelKey: 'other' });
  goOn();
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  waiting[0].answer();
  await vi.waitFor(() => expect(classifier.result('b').state).toBe('ranked'));
  await vi.waitFor(async () =>
    expect(await getVectors({ modelKey: 'other', precision: 'q8' }, 'image', ['b'])).toEqual([
      { vector: Float32Array.of(1, 0), truncated: false },
    ]),
  );
  expect(waiting).toHaveLength(1);
  expect(await getVectors(MODEL, 'image', ['b'])).toEqual([undefined]);
});

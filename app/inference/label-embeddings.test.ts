import 'fake-indexeddb/auto';
import { afterEach, expect, it, vi } from 'vitest';
import { normalize } from '../../models/clip/ranking.ts';
import { embedLabels } from './label-embeddings.ts';

const SPACE = { modelKey: 'model', precision: 'fp32' } as const;
const GO_ON = new AbortController().signal;

const vectorOf = (prompt: string) => normalize(Float32Array.of(1, prompt.length));

function fakeEngine() {
  const asked: string[] = [];
  return {
    asked,
    embedPrompts: async (prompts: readonly string[]) => {
      asked.push(...prompts);
      return {
        vectors: prompts.map(vectorOf),
        truncated: prompts.map((prompt) => prompt.length > 8),
      };
    },
  };
}

const later = () => new Promise((resolve) => setTimeout(resolve, 50));

afterEach(() => vi.restoreAllMocks());

it('makes one vector of a label’s prompts, and runs the model only for those that are new', async () => {
  const engine = fakeEngine();
  const first = await embedLabels(
    engine,
    SPACE,
    [
      ['a cat', 'the cat'],
      ['a cat', 'a long dog'],
    ],
    GO_ON,
  );
  expect(first.encoded).toEqual(['a cat', 'the cat', 'a long dog']);
  expect(first.labels.map(({ truncated }) => truncated)).toEqual([false, true]);
  const [a, b] = [vectorOf('a cat'), vectorOf('the cat')];
  const mean = normalize(a.map((x, i) => (x + b[i]) / 2));
  for (const [i, x] of (first.labels[0]?.vector ?? []).entries()) expect(x).toBeCloseTo(mean[i], 6);
  await later();

  const second = await embedLabels(
    engine,
    SPACE,
    [
      ['a cat', 'an owl'],
      ['a cat', 'a long dog'],
    ],
    GO_ON,
  );
  expect(second.encoded).toEqual(['an owl']);
  expect(second.labels[1]).toEqual(first.labels[1]);
  expect(engine.asked).toEqual(['a cat', 'the cat', 'a long dog', 'an owl']);
});

it('runs nothing that was given up while it looked', async () => {
  const engine = fakeEngine();
  const abort = new AbortController();
  const work = embedLabels(engine, SPACE, [['a newt']], abort.signal);
  abort.abort();
  await expect(work).rejects.toMatchObject({ name: 'AbortError' });
  expect(engine.asked).toEqual([]);
});

it('computes where the browser lets the page keep nothing', async () => {
  vi.resetModules();
  vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    throw new DOMException('blocked', 'SecurityError');
  });
  const { embedLabels: embedThere } = await import('./label-embeddings.ts');
  const { labels } = await embedThere(fakeEngine(), SPACE, [['a cat']], GO_ON);
  expect(labels).toHaveLength(1);
});

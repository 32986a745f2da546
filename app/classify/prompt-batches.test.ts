import { afterEach, expect, it, vi } from 'vitest';
import type { PromptEmbeddings } from '../inference/types.ts';
import { PROMPTS_A_REQUEST } from './limits.ts';
import { batchPrompts } from './prompt-batches.ts';

const TEMPLATES = 7;

afterEach(() => {
  vi.useRealTimers();
});

const promptsOf = (label: number) => Array.from({ length: TEMPLATES }, (_, i) => `${label} in ${i}`);

/** Vectors that say of which prompt they are. */
function embeddings(prompts: readonly string[]): PromptEmbeddings {
  return {
    vectors: prompts.map((prompt) => Float32Array.from(prompt.split(' in '), Number)),
    truncated: prompts.map((prompt) => prompt.startsWith('3 ')),
  };
}

it('sends whole labels, a request a turn, and gives each label its own', async () => {
  vi.useFakeTimers();
  const requests: (readonly string[])[] = [];
  const embed = batchPrompts(async (prompts) => {
    requests.push(prompts);
    return embeddings(prompts);
  });
  const labels = Array.from({ length: 40 }, (_, label) => embed(promptsOf(label)));
  expect(requests).toHaveLength(0);
  for (let turn = 1; vi.getTimerCount() > 0; turn++) {
    vi.advanceTimersToNextTimer();
    expect(requests).toHaveLength(turn);
  }
  expect(requests.flat()).toHaveLength(40 * TEMPLATES);
  for (const request of requests) {
    expect(request.length).toBeLessThanOrEqual(PROMPTS_A_REQUEST);
    expect(request.length % TEMPLATES).toBe(0);
  }
  for (const [label, { vectors, truncated }] of (await Promise.all(labels)).entries()) {
    expect(vectors.map(([first, second]) => [first, second])).toEqual(
      promptsOf(label).map((_, i) => [label, i]),
    );
    expect(truncated).toEqual(promptsOf(label).map(() => label === 3));
  }
});

it('sends a label of more prompts than a request holds, and none that is not wanted any more', async () => {
  const requests: (readonly string[])[] = [];
  const embed = batchPrompts(async (prompts) => {
    requests.push(prompts);
    return embeddings(prompts);
  });
  const many = Array.from({ length: PROMPTS_A_REQUEST + 1 }, (_, i) => `0 in ${i}`);
  const abort = new AbortController();
  const [first, gone, last] = [embed(many), embed(promptsOf(1), abort.signal), embed(promptsOf(2))];
  const given = expect(gone).rejects.toThrow('not wanted');
  abort.abort(new Error('not wanted'));
  expect((await first).vectors).toHaveLength(many.length);
  expect((await last).vectors).toHaveLength(TEMPLATES);
  await given;
  expect(requests).toEqual([many, promptsOf(2)]);
});

import { afterEach, expect, it, vi } from 'vitest';
import type { LabelEmbeddings } from '../inference/types.ts';
import { batchLabels } from './label-batches.ts';
import { PROMPTS_A_REQUEST } from './limits.ts';

const TEMPLATES = 7;

afterEach(() => {
  vi.useRealTimers();
});

const promptsOf = (label: number) => Array.from({ length: TEMPLATES }, (_, i) => `${label} in ${i}`);

/** Vectors that say of which label they are, and of how many prompts. */
function embeddings(labels: readonly (readonly string[])[]): LabelEmbeddings {
  return {
    labels: labels.map((prompts) => ({
      vector: Float32Array.of(Number(prompts[0]?.split(' ')[0]), prompts.length),
      truncated: prompts[0] === '3 in 0',
    })),
    encoded: labels.flat(),
  };
}

it('sends whole labels, a request a turn, and gives each label its own', async () => {
  vi.useFakeTimers();
  const requests: (readonly (readonly string[])[])[] = [];
  const embed = batchLabels(async (labels) => {
    requests.push(labels);
    return embeddings(labels);
  });
  const labels = Array.from({ length: 40 }, (_, label) => embed(promptsOf(label)));
  expect(requests).toHaveLength(0);
  for (let turn = 1; vi.getTimerCount() > 0; turn++) {
    vi.advanceTimersToNextTimer();
    expect(requests).toHaveLength(turn);
  }
  expect(requests.flat()).toEqual(Array.from({ length: 40 }, (_, label) => promptsOf(label)));
  for (const request of requests) expect(request.flat().length).toBeLessThanOrEqual(PROMPTS_A_REQUEST);
  for (const [label, { vector, truncated }] of (await Promise.all(labels)).entries()) {
    expect([...vector]).toEqual([label, TEMPLATES]);
    expect(truncated).toBe(label === 3);
  }
});

it('sends a label of more prompts than a request holds, and none that is not wanted any more', async () => {
  const requests: (readonly (readonly string[])[])[] = [];
  const embed = batchLabels(async (labels) => {
    requests.push(labels);
    return embeddings(labels);
  });
  const many = Array.from({ length: PROMPTS_A_REQUEST + 1 }, (_, i) => `0 in ${i}`);
  const abort = new AbortController();
  const [first, gone, last] = [embed(many), embed(promptsOf(1), abort.signal), embed(promptsOf(2))];
  const given = expect(gone).rejects.toThrow('not wanted');
  abort.abort(new Error('not wanted'));
  expect([...(await first).vector]).toEqual([0, many.length]);
  expect([...(await last).vector]).toEqual([2, TEMPLATES]);
  await given;
  expect(requests).toEqual([[many], [promptsOf(2)]]);
});

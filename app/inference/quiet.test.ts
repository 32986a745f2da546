import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createQuiet } from './quiet.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const quiet = createQuiet();
  let came = false;
  const wait = () =>
    void quiet.come().then(() => {
      came = true;
    });
  const ask = (ms: number) => quiet.during(() => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  return { quiet, wait, ask, hasCome: () => came };
}

it('is there at once where nothing was asked', async () => {
  const { wait, hasCome } = setUp();
  wait();
  await vi.advanceTimersByTimeAsync(0);
  expect(hasCome()).toBe(true);
});

it('comes half a second after the last answer, not between two', async () => {
  const { wait, ask, hasCome } = setUp();
  void ask(1000);
  wait();
  await vi.advanceTimersByTimeAsync(1200);
  void ask(1000);
  await vi.advanceTimersByTimeAsync(1400);
  expect(hasCome()).toBe(false);
  await vi.advanceTimersByTimeAsync(600);
  expect(hasCome()).toBe(true);
});

it('is not waited for longer than half a minute', async () => {
  const { wait, ask, hasCome } = setUp();
  void ask(100_000);
  wait();
  await vi.advanceTimersByTimeAsync(29_000);
  expect(hasCome()).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(hasCome()).toBe(true);
});

it('hands on what the work gives, and its failure, and is quiet after both', async () => {
  const { quiet, wait, hasCome } = setUp();
  await expect(quiet.during(async () => 7)).resolves.toBe(7);
  await expect(quiet.during(() => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  wait();
  await vi.advanceTimersByTimeAsync(500);
  expect(hasCome()).toBe(true);
});

import { expect, it } from 'vitest';
import type { Served } from './fixtures/thread.ts';
import { startThread } from './thread.ts';

const WORKER = new URL('./fixtures/thread.ts', import.meta.url);
const options = { doing: 'Counting', advice: 'Count again.' };

it('answers, an error by an error', async () => {
  const { answer, remote, end } = startThread<Served>(WORKER, { ...options, workerData: 40 });
  expect(await answer(remote.plus(2))).toBe(42);
  await expect(answer(remote.plus(-1))).rejects.toThrow('no such number');
  await end();
});

it('that ends or fails tells whoever waits and whoever comes later', async () => {
  const { answer, remote } = startThread<Served>(WORKER, options);
  const [first, second] = [answer(remote.exit(3)), answer(remote.never())];
  await expect(first).rejects.toThrow(/^Counting: the thread for it ended with code 3\. Count again\.$/);
  await expect(second).rejects.toThrow('ended with code 3');
  await expect(answer(remote.plus(1))).rejects.toThrow('ended with code 3');

  const broken = startThread<Served>(new URL('./fixtures/none.ts', import.meta.url), options);
  await expect(broken.answer(broken.remote.plus(1))).rejects.toThrow(
    /^Counting: the thread for it failed: .*none\.ts.* Count again\.$/s,
  );
});

it('whose end was asked for says so to whoever still waits', async () => {
  const { answer, remote, end } = startThread<Served>(WORKER, options);
  const waiting = expect(answer(remote.never())).rejects.toThrow('ended before it had answered');
  await end();
  await waiting;
});

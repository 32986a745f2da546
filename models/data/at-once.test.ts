import { expect, test } from 'vitest';
import { limitAtOnce } from './at-once.ts';

test('so many run at a time and no more, in the order in which they came, also after failures', async () => {
  const inTurn = limitAtOnce(3);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const job = (i: number) => async () => {
    begun.push(i);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
    if (i % 4 === 0) throw new Error(`${i} failed`);
    return i;
  };
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => inTurn(job(i))));
  expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : -1))).toEqual(
    Array.from({ length: 20 }, (_, i) => (i % 4 === 0 ? -1 : i)),
  );
  expect(begun).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(most).toBe(3);
});

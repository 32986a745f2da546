import { expect, test } from 'vitest';
import { readAhead } from './read-ahead.ts';

function counted(ahead: number) {
  const made: number[] = [];
  const ask = readAhead(async (step) => {
    made.push(step);
    if (step === 13) throw new Error('13 failed');
    return { step };
  }, ahead);
  return { made, ask };
}

test('the step that is asked for comes first, then so many ahead, each made once', async () => {
  const { made, ask } = counted(2);
  expect(await ask(0)).toEqual({ step: 0 });
  expect(made).toEqual([0, 1, 2]);
  await ask(1);
  await ask(2);
  expect(made).toEqual([0, 1, 2, 3, 4]);
});

test('who jumps or asks again is answered', async () => {
  const { made, ask } = counted(1);
  const first = await ask(7);
  expect(await ask(7)).toEqual(first);
  expect(await ask(7)).not.toBe(first);
  expect(await ask(2)).toEqual({ step: 2 });
  expect(await ask(8)).toEqual({ step: 8 });
  expect(made).toEqual([7, 8, 7, 7, 2, 3, 8, 9]);
});

test('a step that failed ahead fails for whoever asks for it', async () => {
  const { ask } = counted(3);
  await ask(10);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await expect(ask(13)).rejects.toThrow('13 failed');
});

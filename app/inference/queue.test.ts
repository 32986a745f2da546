import { expect, it } from 'vitest';
import { DeviceQueue } from './queue.ts';

const DEVICE = 'the device';

/** A queue whose device is there. */
function startedQueue(): DeviceQueue<string> {
  const queue = new DeviceQueue<string>();
  queue.start(DEVICE);
  return queue;
}

/** A device whose runs end when the test says so, and that notes what it ran. */
function device() {
  const runs: string[][] = [];
  const endings: ((error?: Error) => void)[] = [];
  let running = 0;
  const run = (given: string, inputs: readonly string[]) => {
    expect(given).toBe(DEVICE);
    expect(++running).toBe(1);
    runs.push([...inputs]);
    return new Promise<string[]>((resolve, reject) => {
      endings.push((error) => {
        running--;
        if (error) reject(error);
        else resolve(inputs.map((input) => input.toUpperCase()));
      });
    });
  };
  const end = async (error?: Error) => {
    await expect.poll(() => endings.length).toBeGreaterThan(0);
    endings.shift()?.(error);
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { run, runs, end };
}

it('starts the first request at once and batches what arrives meanwhile', async () => {
  const { run, runs, end } = device();
  const lane = startedQueue().lane(3, run);
  const all = ['a', 'b', 'c', 'd', 'e'].map((input) => lane.push(input));
  expect(runs).toEqual([['a']]);
  await end();
  expect(await all[0]).toBe('A');
  await end();
  await end();
  expect(runs).toEqual([['a'], ['b', 'c', 'd'], ['e']]);
  expect(await Promise.all(all)).toEqual(['A', 'B', 'C', 'D', 'E']);
});

it('keeps what comes before the device is there, and runs the first of each lane alone', async () => {
  const { run, runs, end } = device();
  const queue = new DeviceQueue<string>();
  const [photographs, prompts] = [queue.lane(3, run), queue.lane(3, run)];
  const gone = new AbortController();
  const all = ['p1', 'p2', 'p3'].map((input) => photographs.push(input));
  const aborted = photographs.push('p4', gone.signal);
  all.push(...['w1', 'w2'].map((input) => prompts.push(input)));
  gone.abort();
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  expect(runs).toEqual([]);
  queue.start(DEVICE);
  for (let i = 0; i < 4; i++) await end();
  expect(await Promise.all(all)).toEqual(['P1', 'P2', 'P3', 'W1', 'W2']);
  expect(runs).toEqual([['p1'], ['w1'], ['p2', 'p3'], ['w2']]);
});

it('lets lanes take turns, one run at a time', async () => {
  const { run, runs, end } = device();
  const queue = startedQueue();
  const photographs = queue.lane(2, run);
  const prompts = queue.lane(1, run);
  const all = [
    ...['p1', 'p2', 'p3', 'p4', 'p5'].map((input) => photographs.push(input)),
    ...['w1', 'w2'].map((input) => prompts.push(input)),
  ];
  for (let i = 0; i < 5; i++) await end();
  await Promise.all(all);
  expect(runs).toEqual([['p1'], ['w1'], ['p2', 'p3'], ['w2'], ['p4', 'p5']]);
});

it('forgets an aborted request that waits, and rejects one that runs without stopping its batch', async () => {
  const { run, runs, end } = device();
  const lane = startedQueue().lane(2, run);
  const [stopRunning, stopWaiting] = [new AbortController(), new AbortController()];
  const running = lane.push('a', stopRunning.signal);
  const waiting = lane.push('b', stopWaiting.signal);
  const other = lane.push('c');
  stopRunning.abort();
  stopWaiting.abort();
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await expect(lane.push('d', stopWaiting.signal)).rejects.toMatchObject({ name: 'AbortError' });
  await end();
  await end();
  expect(await other).toBe('C');
  expect(runs).toEqual([['a'], ['c']]);
});

it('gives a failure to its batch alone and goes on', async () => {
  const { run, end } = device();
  const lane = startedQueue().lane(2, run);
  const [first, second] = [lane.push('a'), lane.push('b')];
  const failure = expect(first).rejects.toThrow('out of memory');
  await end(new Error('out of memory'));
  await failure;
  await end();
  expect(await second).toBe('B');
});

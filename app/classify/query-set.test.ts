import { afterEach, expect, it, vi } from 'vitest';
import { createQueryClient } from './query-client.ts';
import { createQuerySet } from './query-set.ts';

const queryClient = createQueryClient();
afterEach(() => {
  vi.restoreAllMocks();
  queryClient.clear();
});

function setUp() {
  const heard: string[] = [];
  const set = createQuerySet<string>(queryClient, (name) => heard.push(name));
  const options = (name: string) => ({ queryKey: [name], queryFn: async () => name.toUpperCase() });
  return { set, heard, options };
}

it('gives the thread back between a few queries and the next, and makes up names no sooner', async () => {
  // Each look at the clock finds a millisecond gone.
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now++);
  let made = 0;
  function* names() {
    for (; made < 200; made++) yield `name ${made}`;
  }
  const { set, heard, options } = setUp();
  set.want(names(), options);
  expect(made).toBeLessThan(20);
  await vi.waitFor(() => expect(heard).toHaveLength(200));
  expect(set.outcome('name 7')).toEqual({ data: 'NAME 7' });
});

it('observes a query no longer than until it has data', async () => {
  const { set, heard, options } = setUp();
  set.want(['a'], options);
  await vi.waitFor(() => expect(heard).toEqual(['a']));
  const query = queryClient.getQueryCache().find({ queryKey: ['a'] });
  expect(query?.getObserversCount()).toBe(0);
  set.want(['a'], options);
  set.retry('a');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(heard).toEqual(['a']);
  expect(set.outcome('a')).toEqual({ data: 'A' });
});

it('keeps what is still wanted, gives up the rest, and is silent once cleared', async () => {
  const { set, heard, options } = setUp();
  set.want(['a', 'b'], options);
  await vi.waitFor(() => expect(heard).toEqual(['a', 'b']));
  set.want(['b', 'c'], options);
  await vi.waitFor(() => expect(heard).toEqual(['a', 'b', 'c']));
  expect(set.outcome('a')).toBeUndefined();
  expect(
    queryClient
      .getQueryCache()
      .find({ queryKey: ['a'] })
      ?.getObserversCount(),
  ).toBe(0);

  set.want(['d'], options);
  set.clear();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(heard).toEqual(['a', 'b', 'c']);
  expect(set.outcome('c')).toBeUndefined();
});

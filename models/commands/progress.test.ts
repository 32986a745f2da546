import { afterEach, expect, it, vi } from 'vitest';
import { withProgress } from './progress.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it('Ctrl-C ends a program that shows its progress, and leaves it to who waits for the signal', async () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  expect(process.listenerCount('SIGINT')).toBe(0);
  await withProgress('pictures', 3, async () => process.emit('SIGINT', 'SIGINT'));
  expect(kill.mock.calls).toEqual([[process.pid, 'SIGINT']]);
  kill.mockClear();

  const heard = vi.fn();
  process.once('SIGINT', heard);
  await withProgress('pictures', 3, async () => process.emit('SIGINT', 'SIGINT'));
  expect(heard).toHaveBeenCalledOnce();
  expect(kill).not.toHaveBeenCalled();
  expect(process.listenerCount('SIGINT')).toBe(0);
  expect(process.listenerCount('SIGTERM')).toBe(0);
});

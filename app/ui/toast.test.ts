import { beforeEach, describe, expect, it } from 'vitest';
import { currentToasts, dismissToast, toast, toastMs } from './toast.ts';

const action = { name: 'Undo', run: () => {} };
const messages = () => currentToasts().map(({ message }) => message);

beforeEach(() => {
  for (const { id } of currentToasts()) dismissToast(id);
});

describe('toast', () => {
  it('never gives up an offer that stays for what merely says something', () => {
    toast('A new version is ready.', { action, stays: true });
    toast('Two files were left out.', { kind: 'problem', stays: true });
    toast('a.jpg removed.', { action });
    for (const said of ['one', 'two', 'three']) toast(said);
    expect(messages()).toEqual([
      'A new version is ready.',
      'Two files were left out.',
      'a.jpg removed.',
      'three',
    ]);
    for (const name of ['b', 'c', 'd']) toast(`${name}.jpg removed.`, { action });
    expect(messages()).toEqual([
      'A new version is ready.',
      'b.jpg removed.',
      'c.jpg removed.',
      'd.jpg removed.',
    ]);
  });

  it('shows a message once', () => {
    toast('one');
    toast('two');
    toast('one');
    expect(messages()).toEqual(['two', 'one']);
  });

  it('gives an offer more time than a note', () => {
    toast('note');
    toast('offer', { action });
    toast('problem', { stays: true });
    expect(currentToasts().map(toastMs)).toEqual([8_000, 20_000, null]);
  });
});

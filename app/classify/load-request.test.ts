import { expect, it } from 'vitest';
import { givenChoice, loadRequest } from './load-request.ts';

const base = new URL('https://site.example/lens/');
const request = (query: string, choice = givenChoice(new URL(query, base), base)) =>
  loadRequest(choice, new URL(query, base), base);

it('takes the model of the site on the best device', () => {
  expect(request('')).toEqual({
    place: { on: 'site', url: 'https://site.example/lens/models/promptlens-mini/' },
    precision: 'auto',
    backend: 'auto',
    allowSoftwareAdapter: false,
  });
});

it('does what the address asks', () => {
  expect(request('?model=tiny-2.1&backend=webgpu&software-adapter')).toEqual({
    place: { on: 'site', url: 'https://site.example/lens/models/tiny-2.1/' },
    precision: 'auto',
    backend: 'webgpu',
    allowSoftwareAdapter: true,
  });
});

it('takes the model and the precision that were chosen', () => {
  expect(request('?model=tiny', { model: 'device:Xenova/mobileclip_s0', precision: 'q8' })).toMatchObject({
    place: { on: 'device', id: 'Xenova/mobileclip_s0' },
    precision: 'q8',
  });
});

it('takes the site’s own where the query names none that can be, and refuses a choice that can be none', () => {
  expect(request(`?model=${encodeURIComponent('../secret')}`).place).toEqual({
    on: 'site',
    url: 'https://site.example/lens/models/promptlens-mini/',
  });
  expect(() => request('', { model: '../secret', precision: 'auto' })).toThrow(
    'There is no model “../secret”.',
  );
});

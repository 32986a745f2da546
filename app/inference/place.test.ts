import { expect, it } from 'vitest';
import { nameOnDevice, placeOf } from './place.ts';

const site = new URL('https://site.example/lens/');

it('finds folders of the site and models of the device', () => {
  expect(placeOf('tiny-2.1', site)).toEqual({
    on: 'site',
    url: 'https://site.example/lens/models/tiny-2.1/',
  });
  expect(placeOf(nameOnDevice('Xenova/mobileclip_s0'), site)).toEqual({
    on: 'device',
    id: 'Xenova/mobileclip_s0',
  });
});

it.each(['../secret', '..', '.git', '//other.example', 'a/b', 'https://other.example/', '', 'device:'])(
  'never leaves the folder of models for %j',
  (name) => {
    expect(placeOf(name, site)).toBeNull();
  },
);

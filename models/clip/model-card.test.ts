import { expect, it } from 'vitest';
import { licenseOf } from './model-card.ts';

it.each([
  ['---\nlicense: mit\ntags: [clip]\n---\n# A model', 'mit'],
  ['---\r\nlanguage: en\r\nlicense: "apache-2.0"\r\n---\r\n', 'apache-2.0'],
  ['---\nlicense: other\nlicense_name: apple-ascl\n---\n', 'apple-ascl'],
  ['---\nlicense: other\n---\n', 'other'],
  ['---\ntags: [clip]\n---\nlicense: mit', null],
  ['# A model\n\nlicense: mit', null],
  ['', null],
])('reads the licence of a card, %#', (card, license) => {
  expect(licenseOf(card)).toBe(license);
});

// fixtures/paste.json holds what Python makes of the same texts: python3 models/clip/fixtures/make-paste.py

import { expect, test } from 'vitest';
import cases from './fixtures/paste.json' with { type: 'json' };
import { cleanPastedText } from './paste.ts';

test('entities and white space come out as in Python, every named entity among them', () => {
  expect(Object.keys(cases).length).toBeGreaterThan(2500);
  const ours = Object.fromEntries(Object.keys(cases).map((text) => [text, cleanPastedText(text)]));
  expect(ours).toEqual(cases);
});

test('text without entities only loses its superfluous white space', () => {
  expect(cleanPastedText(' a photo of  a\ncat ')).toBe('a photo of a cat');
  expect(cleanPastedText('2 < 3 & 4 > 3')).toBe('2 < 3 & 4 > 3');
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelChoice } from '../inference/types.ts';
import { formatFragment, parseFragment } from './address.ts';
import { CERTAINTIES } from './certainty.ts';
import type { View } from './view.ts';
import { tidyWords, wordsKey } from './words.ts';

const DEFAULTS: View = {
  labels: ['airplane', 'flower'],
  templates: ['a photo of a {}.'],
  layout: 'grid',
  sort: { by: 'added' },
  onlyLabel: null,
  onlyCertainty: null,
  model: { model: 'promptlens-mini', precision: 'auto' },
  beside: null,
};

const roundTrip = (view: View) => parseFragment(`#${formatFragment(view, DEFAULTS)}`, DEFAULTS);

const words = fc
  .string({ unit: 'binary', maxLength: 60 })
  .map(tidyWords)
  .filter((text) => text !== '');
const labels = fc.uniqueArray(words, { selector: wordsKey, maxLength: 30 });
const templates = fc.uniqueArray(
  words.map((text) => `${text} {}`),
  { selector: wordsKey, minLength: 1, maxLength: 8 },
);

const choices = fc.record<ModelChoice>({
  model: fc.constantFrom('promptlens-mini', 'tiny', 'device:Xenova/mobileclip_s0', 'device:a folder, & more'),
  precision: fc.constantFrom('auto', 'q8', 'fp32'),
});

const views: fc.Arbitrary<View> = fc.tuple(labels, templates).chain(([list, some]) => {
  const oneOf = list.length > 0 ? fc.constantFrom(...list) : fc.constant(null);
  return fc.record({
    labels: fc.constant(list),
    templates: fc.constant(some),
    layout: fc.constantFrom('grid', 'table'),
    sort: oneOf.chain((label) =>
      fc.constantFrom<View['sort']>(
        { by: 'added' },
        { by: 'name' },
        { by: 'certainty', first: 'most' },
        { by: 'certainty', first: 'least' },
        ...(label === null ? [] : [{ by: 'label', label } as const]),
      ),
    ),
    onlyLabel: fc.oneof(fc.constant(null), oneOf),
    onlyCertainty: fc.constantFrom(null, ...CERTAINTIES),
    model: choices,
    beside: fc.option(choices),
  });
});

describe('address', () => {
  it('holds every view', () => {
    fc.assert(
      fc.property(views, (view) => {
        expect(roundTrip(view)).toEqual(view);
      }),
      { numRuns: 500 },
    );
  });

  it('holds labels that look like syntax', () => {
    const list = [
      '$&',
      '#',
      'a&label=b',
      '100%',
      '{}',
      '+1',
      'π ≈ 3',
      '🐈‍⬛',
      '=SUM(A1)',
      '&amp;',
      '%20',
      'a\\b',
      '"',
    ];
    expect(roundTrip({ ...DEFAULTS, labels: list }).labels).toEqual(list);
  });

  it('holds 1,000 labels', () => {
    const list = Array.from({ length: 1000 }, (_, index) => `label number ${index}`);
    expect(roundTrip({ ...DEFAULTS, labels: list }).labels).toEqual(list);
  });

  it('is empty for the defaults, and tells no labels from no word about labels', () => {
    expect(formatFragment(DEFAULTS, DEFAULTS)).toBe('');
    expect(parseFragment('', DEFAULTS)).toEqual(DEFAULTS);
    expect(roundTrip({ ...DEFAULTS, labels: [] }).labels).toEqual([]);
  });

  it('leaves out what has no meaning', () => {
    const view = parseFragment(
      '#label=cat&label=&label=Cat&label=dog&template=no+place&sort=label&of=bird&only=fish&certainty=very&view=map',
      DEFAULTS,
    );
    expect(view).toEqual({ ...DEFAULTS, labels: ['cat', 'dog'] });
  });

  it('never throws on a mangled address', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const view = parseFragment(text, DEFAULTS);
        expect(view.templates.length).toBeGreaterThan(0);
      }),
    );
  });
});

import { describe, expect, test } from 'vitest';
import { type CaptionWords, type Draw, drawCaption } from './captions.ts';
import { pets } from './fixtures/pets-lexicon.ts';
import { TRAINING_TEMPLATES } from './training-templates.ts';

const draw = (text: { labels: string[]; captions: string[] }, which: Draw) =>
  drawCaption({ ...text, source: 'made up' }, which).caption;

function draws(text: { labels: string[]; captions: string[] }, count: number): string[] {
  return Array.from({ length: count }, (_, epoch) => draw(text, { seed: 1, epoch, row: 7 }));
}

test('every template has one place for the name, and none occurs twice', () => {
  for (const template of TRAINING_TEMPLATES) expect(template.split('{}')).toHaveLength(2);
  expect(new Set(TRAINING_TEMPLATES).size).toBe(TRAINING_TEMPLATES.length);
  expect(TRAINING_TEMPLATES.length).toBeGreaterThanOrEqual(30);
});

test('is a pure function of seed, epoch and row', () => {
  const text = { labels: ['orangutan', 'orang'], captions: [] };
  const caption = draw(text, { seed: 3, epoch: 4, row: 5 });
  expect(draw(text, { seed: 3, epoch: 4, row: 5 })).toBe(caption);
  const over = (one: (i: number) => string) => new Set(Array.from({ length: 40 }, (_, i) => one(i))).size;
  expect(over((epoch) => draw(text, { seed: 3, epoch, row: 5 }))).toBeGreaterThan(10);
  expect(over((row) => draw(text, { seed: 3, epoch: 4, row }))).toBeGreaterThan(10);
  expect(over((seed) => draw(text, { seed, epoch: 4, row: 5 }))).toBeGreaterThan(10);
});

test('captions are drawn evenly and left as they are', () => {
  const captions = ['A dog.', 'Two Dogs run', 'a dog on grass'];
  const drawn = draws({ labels: [], captions }, 3000);
  for (const caption of captions) {
    const count = drawn.filter((text) => text === caption).length;
    // 1000 expected, standard deviation 26.
    expect(Math.abs(count - 1000)).toBeLessThan(110);
  }
});

test('labels: the first name in half of the draws, bare or in every template, with and without a full stop', () => {
  const drawn = draws({ labels: ['Granny Smith', 'apple', 'fruit'], captions: [] }, 6000);
  const share = (holds: (text: string) => boolean) => drawn.filter(holds).length / drawn.length;
  expect(share((text) => text.includes('granny smith'))).toBeCloseTo(0.5, 1);
  expect(share((text) => text.includes('apple'))).toBeCloseTo(0.25, 1);
  expect(share((text) => text.includes('fruit'))).toBeCloseTo(0.25, 1);
  expect(share((text) => ['granny smith', 'apple', 'fruit'].includes(text))).toBeCloseTo(0.15, 1);
  expect(share((text) => text.endsWith('.'))).toBeCloseTo(0.21, 1);
  const sentences = new Set(drawn);
  for (const template of TRAINING_TEMPLATES)
    expect(sentences).toContain(template.replace('{}', 'granny smith'));
});

test('a name is inserted literally', () => {
  expect(draws({ labels: ['$& and {}'], captions: [] }, 50)).toContain('$& and {}');
  for (const text of draws({ labels: ['$& and {}'], captions: [] }, 200)) expect(text).toContain('$& and {}');
});

describe('with a lexicon', () => {
  const drawn = (labels: string[], count = 6000) =>
    Array.from({ length: count }, (_, epoch) =>
      drawCaption({ labels, captions: [], source: 'made up' }, { seed: 1, epoch, row: 7 }, pets),
    );
  const share = <T>(items: readonly T[], holds: (item: T) => boolean) =>
    items.filter(holds).length / items.length;

  test('own names in 62 %, broader ones in 28 %, explanations in the rest; each says what it speaks of', () => {
    const all = drawn(['egyptian cat']);
    const says = (key: string) => share(all, (each) => each.says?.length === 1 && each.says[0] === key);
    // Standard deviation at most 0.0065.
    expect(Math.abs(says('egyptian cat') - 0.62)).toBeLessThan(0.025);
    expect(Math.abs(says('cat') + says('animal') + says('creature') - 0.28)).toBeLessThan(0.025);
    expect(Math.abs(says('egyptian_cat.n.01') - 0.1)).toBeLessThan(0.025);
    expect(says('cat')).toBeGreaterThan(2 * (says('animal') + says('creature')));
    const explained = all.filter((each) => each.says?.[0] === 'egyptian_cat.n.01');
    const definitions = share(explained, ({ caption }) => caption === 'a domestic cat of Egypt');
    expect(Math.abs(definitions - 0.5)).toBeLessThan(0.1);
    for (const { caption } of explained)
      expect(caption).toMatch(/^a domestic cat of Egypt$|^egyptian cat, a kind of (cat|animal|creature)$/);
    for (const { caption, says: keys = [] } of all)
      if (!explained.some((each) => each.caption === caption)) expect(caption).toContain(keys[0]);
  });

  test('leaves out what it is told to', () => {
    const spoken = (labels: string[], words: readonly CaptionWords[]) => {
      const row = { labels, captions: [], source: 'made up' };
      const all = Array.from({ length: 600 }, (_, epoch) =>
        drawCaption(row, { seed: 1, epoch, row: 7 }, pets, words),
      );
      return all.map(({ caption }) => caption).join('\n');
    };
    const names = spoken(['tabby', 'tabby cat'], ['names']);
    expect(names).not.toMatch(/cat|animal|creature/);
    expect(spoken(['tabby', 'tabby cat'], ['names', 'synonyms'])).toMatch(/tabby cat/);
    expect(spoken(['orangutan', 'orang'], ['names'])).not.toMatch(/orang\b/);
    const cats = spoken(['egyptian cat'], ['names', 'broader']);
    expect(cats).toMatch(/animal/);
    expect(cats).not.toMatch(/of Egypt/);
    expect(spoken(['egyptian cat'], ['names', 'definitions'])).toMatch(/of Egypt/);
    expect(spoken(['egyptian cat'], ['names', 'definitions'])).not.toMatch(/animal/);
  });

  test('plurals now and then, never behind an article', () => {
    const all = drawn(['egyptian cat']).map(({ caption }) => caption);
    const several = all.filter((caption) => /(cat|animal|creature)s\b/.test(caption));
    expect(several.length / all.length).toBeGreaterThan(0.07);
    expect(several.length / all.length).toBeLessThan(0.15);
    for (const caption of several)
      expect(caption).not.toMatch(/\b(a|one) (egyptian )?(cat|animal|creature)s/);
    const game = Array.from({ length: 500 }, (_, epoch) =>
      drawCaption(
        { labels: ['basketball'], captions: [], source: 'sports' },
        { seed: 1, epoch, row: 7 },
        pets,
      ),
    );
    for (const { caption } of game) expect(caption).not.toContain('basketballs');
  });

  test('rows that it says nothing of are drawn as without one', () => {
    for (const text of [
      { labels: ['giraffe', 'camelopard'], captions: [], source: 'made up' },
      { labels: ['dog'], captions: ['a dog runs', 'two dogs'], source: 'made up' },
    ])
      for (let epoch = 0; epoch < 50; epoch++) {
        const which = { seed: 1, epoch, row: 7 };
        expect(drawCaption(text, which, pets)).toEqual(drawCaption(text, which));
      }
  });

  test('is a pure function of seed, epoch and row', () => {
    expect(drawn(['tabby'], 50)).toEqual(drawn(['tabby'], 50));
  });
});

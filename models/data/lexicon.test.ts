import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { checked } from '../clip/checked.ts';
import { PETS, pets } from './fixtures/pets-lexicon.ts';
import { LexiconFile, openLexicon, readLexicon } from './lexicon.ts';

const row = (...labels: string[]) => ({ labels, source: 'made up' });

describe('what a label means', () => {
  test('its names, its definition, broader words with the nearer and the more usual ones likelier', () => {
    const entry = pets.find(row('Egyptian cat'));
    expect(entry?.names).toEqual(['egyptian cat']);
    expect(entry?.definition).toBe('a domestic cat of Egypt');
    expect(entry?.broader.map(({ id }) => id)).toEqual(['cat.n.01', 'animal.n.01']);
    // By hand: 1 + log2(19) = 5.248 for cat; 0.6³ · (1 + log2(88)) = 1.611 for animal, three steps further up.
    expect(entry?.broader.map(({ share }) => share)).toEqual([
      expect.closeTo(5.248 / 6.859, 3),
      expect.closeTo(1.611 / 6.859, 3),
    ]);
    expect(new Set(entry?.holds)).toEqual(
      new Set(['egyptian cat', 'egyptian_cat.n.01', 'cat', 'cat.n.01', 'animal', 'creature', 'animal.n.01']),
    );
  });

  test("the concept's synonyms are names too", () => {
    expect(pets.find(row('tabby'))?.names).toEqual(['tabby', 'tabby cat']);
  });

  test('plurals of usual names, of none that is not counted', () => {
    expect([...(pets.find(row('tabby'))?.plurals ?? [])]).toEqual([
      ['tabby', 'tabbies'],
      ['tabby cat', 'tabby cats'],
    ]);
    expect(pets.find({ labels: ['basketball'], source: 'sports' })?.plurals.size).toBe(0);
  });

  test('a coarse name in the label is a broader word, no name of its own, and a mere kind has no definition', () => {
    const entry = pets.find(row('Garfield', 'cat'));
    expect(entry?.names).toEqual(['garfield']);
    expect(entry?.id).toBeUndefined();
    expect(entry?.definition).toBeUndefined();
    expect(entry?.broader[0].id).toBe('cat.n.01');
    expect(entry?.holds).toContain('cat.n.01');
  });

  test('another meaning in one data set', () => {
    expect(pets.find(row('basketball'))?.id).toBe('basketball.n.02');
    expect(pets.find({ labels: ['basketball'], source: 'sports' })?.id).toBe('basketball.n.01');
  });

  test('nothing for a label that it does not know', () => {
    expect(pets.find(row('giraffe'))).toBeUndefined();
    expect(pets.find(row('tabby', 'moggy'))).toBeUndefined();
  });
});

test('a sentence mentions names and plurals, with all that they are kinds of', () => {
  const found = pets.mentions('Two Egyptian cats, and a pug.');
  expect(new Set(found)).toEqual(
    new Set([
      ...(pets.find(row('egyptian cat'))?.holds ?? []),
      ...['pug', 'pug.n.01', 'dog', 'dog.n.01', 'animal', 'creature', 'animal.n.01'],
    ]),
  );
  expect(pets.mentions('a catalogue of dogmas')).toEqual([]);
});

test('a file that refers to a concept it lacks is refused', () => {
  const broken = { ...PETS, labels: { ...PETS.labels, lynx: { is: 'lynx.n.02' } } };
  expect(() => checked(LexiconFile, broken, 'broken.json')).toThrow(
    /broken\.json was refused: .*expected a concept lynx\.n\.02/,
  );
});

describe('the default model’s lexicon', () => {
  const path = 'models/recipes/promptlens-mini/lexicon.json';

  test('is read', async () => {
    const { lexicon } = await readLexicon(path);
    const entry = lexicon.find(row('egyptian cat'));
    expect(entry?.broader.flatMap(({ names }) => names)).toEqual(expect.arrayContaining(['cat', 'animal']));
  });

  test('no label is broader than itself, and every share sums to 1', () => {
    const file = v.parse(LexiconFile, JSON.parse(readFileSync(path, 'utf8')));
    const lexicon = openLexicon(file);
    for (const label of Object.keys(file.labels)) {
      const entry = lexicon.find(row(...label.split('; ')));
      const sum = entry?.broader.reduce((total, { share }) => total + share, 0);
      if (entry && entry.broader.length > 0) expect(sum, label).toBeCloseTo(1, 9);
      expect(
        entry?.broader.map(({ id }) => id),
        label,
      ).not.toContain(entry?.id);
    }
  });

  test('names the licence of its words', () => {
    const { about } = v.parse(LexiconFile, JSON.parse(readFileSync(path, 'utf8')));
    expect(about.join(' ')).toContain('Copyright 2011 by Princeton University');
  });
});

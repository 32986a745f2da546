import { describe, expect, test } from 'vitest';
import { PETS, pets } from './fixtures/pets-lexicon.ts';
import { openLexicon } from './lexicon.ts';
import { openTextPairs } from './text-pairs.ts';
import { openWordVectors } from './word-vectors.ts';

const stream = (count: number, seed = 1) => openTextPairs(pets, { count, seed, name: 'pets' });
const steps = (count: number, many: number, seed?: number) =>
  Array.from({ length: many }, (_, step) => stream(count, seed).draw(step));

describe('pairs of texts', () => {
  test('are drawn by seed and step alone, each of another label', () => {
    const [first, second] = steps(3, 2);
    expect(stream(3).draw(1)).toEqual(second);
    expect(first).not.toEqual(second);
    expect(stream(3, 2).draw(0)).not.toEqual(first);
    for (const { keys } of steps(3, 50))
      expect(new Set(keys.map(({ closest }) => closest.join())).size).toBe(3);
  });

  test('say of a name its definition, a broader word or another name, never the name itself', () => {
    const told = new Map<string, Set<string>>();
    for (const { names, meanings } of steps(2, 400))
      for (const [i, name] of names.entries()) {
        const label = pets.labels.find((each) => name.includes(each.split('; ')[0]));
        if (label === undefined) continue;
        const known = told.get(label) ?? new Set();
        told.set(label, known.add(meanings[i].replace(/\.$/, '')));
      }
    const egyptian = [...(told.get('egyptian cat') ?? [])];
    expect(egyptian).toContain('a domestic cat of Egypt');
    expect(egyptian.some((text) => /\bcats?$/.test(text) && !text.includes('egyptian'))).toBe(true);
    expect(egyptian.some((text) => /\b(animal|creature)s?$/.test(text))).toBe(true);
    expect(egyptian.filter((text) => text.includes('egyptian'))).toEqual([]);
  });

  test('know which meanings are true of which names', () => {
    for (const { keys } of steps(4, 100))
      for (const [i, { says, holds }] of keys.entries())
        expect(
          says.some((each) => holds.includes(each)),
          `${i}: ${says} of ${holds}`,
        ).toBe(true);
  });

  test('everyday words come more often, rare ones too', () => {
    const common = { ...PETS, concepts: { ...PETS.concepts } };
    const [often, seldom] = ['egyptian cat', 'tabby'].map((label) => {
      const meaning = PETS.labels[label];
      return 'is' in meaning ? meaning.is : meaning.kindOf;
    });
    common.concepts[often] = { ...PETS.concepts[often], count: 1000 };
    const opened = openTextPairs(openLexicon(common), { count: 1, seed: 3, name: 'pets' });
    const drawn = Array.from({ length: 600 }, (_, step) => opened.draw(step).keys[0].closest);
    const times = (id: string) => drawn.filter((closest) => closest.includes(id)).length;
    expect(times(often)).toBeGreaterThan(3 * times(seldom));
    expect(times(seldom)).toBeGreaterThan(0);
  });

  test('have the word vector of the name, or of another that the concept has', () => {
    const known = new Map([
      ['cat', Float32Array.of(1, 0)],
      ['dog', Float32Array.of(0, 1)],
      ['pug', Float32Array.of(1, 1)],
    ]);
    const vectors = openWordVectors(known);
    const opened = openTextPairs(pets, { count: 2, seed: 5, name: 'pets', vectors });
    for (let step = 0; step < 50; step++) {
      const { names, vectors: beside } = opened.draw(step);
      names.forEach((name, i) => {
        const word = ['cat', 'dog', 'pug'].find((each) => beside?.keys[i].says.includes(each)) ?? '';
        expect(word, name).not.toBe('');
        expect(beside?.data.slice(2 * i, 2 * i + 2)).toEqual(vectors.of(word));
        expect(beside?.keys[i].holds).toContain(word);
      });
    }
    expect(() => openTextPairs(pets, { count: 500, seed: 5, name: 'pets', vectors })).toThrow(
      'a broader word or a definition, and a word vector. Name a larger lexicon',
    );
  });

  test('a lexicon with fewer meanings is refused', () => {
    expect(() => stream(500)).toThrow(/Drawing 500 pairs of texts a step from pets: found \d+ labels/);
  });
});

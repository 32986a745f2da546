import { describe, expect, it } from 'vitest';
import type { PhotoResult } from './classifier.ts';
import { arrange } from './order.ts';
import { rankPhoto } from './ranking.ts';

const SET = {
  labels: ['cat', 'dog'],
  vectors: [],
  indexOf: new Map([
    ['cat', 0],
    ['dog', 1],
  ]),
};
/** Unrelated words get 0.1 ± 0.01. */
const EVERYDAY = [0.09, 0.1, 0.11];

const ranked = (...cosines: number[]): PhotoResult => ({
  state: 'ranked',
  ranking: rankPhoto(SET, Float32Array.from(cosines), 100, EVERYDAY),
});

const RESULTS: Record<string, PhotoResult> = {
  cat10: ranked(0.3, 0.2), // sure
  cat2: ranked(0.3, 0.298), // likely
  dog: ranked(0.2, 0.25), // sure
  rock: ranked(0.1, 0.02), // nothing fits, and the softmax is sure
  broken: { state: 'failed', reason: 'damaged' },
  new: { state: 'waiting' },
};
const PHOTOS = ['new', 'dog', 'rock', 'cat10', 'broken', 'cat2'].map((id) => ({ id, name: `${id}.jpg` }));

const order = (view: Partial<Parameters<typeof arrange>[1]>) =>
  arrange(
    PHOTOS,
    { sort: { by: 'added' }, onlyLabel: null, onlyCertainty: null, ...view },
    (id) => RESULTS[id ?? ''] ?? { state: 'waiting' },
  )
    .map(({ id }) => id)
    .join(' ');

describe('arrange', () => {
  it('keeps the order in which photographs came', () =>
    expect(order({})).toBe('new dog rock cat10 broken cat2'));
  it('sorts names as people do', () =>
    expect(order({ sort: { by: 'name' } })).toBe('broken cat2 cat10 dog new rock'));
  it('sorts by one label, what has no ranking last and in its old order', () =>
    expect(order({ sort: { by: 'label', label: 'dog' } })).toBe('dog cat2 rock cat10 new broken'));
  it('sorts by certainty; what nothing fits is not certain', () => {
    expect(order({ sort: { by: 'certainty', first: 'most' } })).toBe('cat10 dog cat2 rock new broken');
    expect(order({ sort: { by: 'certainty', first: 'least' } })).toBe('rock cat2 dog cat10 new broken');
  });
  it('filters by best label and by certainty', () => {
    expect(order({ onlyLabel: 'cat' })).toBe('rock cat10 cat2');
    expect(order({ onlyCertainty: 'nothing' })).toBe('rock');
    expect(order({ onlyLabel: 'cat', onlyCertainty: 'sure' })).toBe('cat10');
  });
});

import { describe, expect, it } from 'vitest';
import { type PairKeys, sharedKeys } from '../data/pair-keys.ts';
import { LOSSES } from './contrastive-loss.ts';

const KEYS = [['dog', 'pug'], ['cat'], ['dog'], ['pug', 'dog']].map(sharedKeys);
const rows = (values: ArrayLike<number>) =>
  [0, 4, 8, 12].map((start) => Array.from(values).slice(start, start + 4));

describe('softmax', () => {
  it('takes twins out of the negatives, in both directions, where positives are a pair’s own', () => {
    const { mask, caption_targets, picture_targets } = LOSSES.softmax.inputsOf(KEYS, 'own');
    expect(rows(mask).map((row) => row.map((x) => x < 0))).toEqual([
      [false, false, true, true],
      [false, false, false, false],
      [true, false, false, true],
      [true, false, true, false],
    ]);
    const own = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => (i === j ? 0.25 : 0)));
    expect(rows(caption_targets)).toEqual(own);
    expect(rows(picture_targets)).toEqual(own);
  });

  it('shares each row among all twins where positives are several', () => {
    const { mask, caption_targets, picture_targets } = LOSSES.softmax.inputsOf(KEYS, 'several');
    expect(Math.max(...mask.map(Math.abs))).toBe(0);
    const third = Math.fround(1 / 12);
    expect(rows(caption_targets)).toEqual([
      [third, 0, third, third],
      [0, 0.25, 0, 0],
      [third, 0, third, third],
      [third, 0, third, third],
    ]);
    // Twins are each other's, so columns sum to what rows do.
    expect(rows(picture_targets)).toEqual(rows(caption_targets));
  });
});

describe('sigmoid', () => {
  it('counts twins not at all, or as matches', () => {
    const own = LOSSES.sigmoid.inputsOf(KEYS, 'own');
    expect(rows(own.signs)[0]).toEqual([1, -1, -1, -1]);
    expect(rows(own.shares)[0]).toEqual([0.25, 0.25, 0, 0]);
    const several = LOSSES.sigmoid.inputsOf(KEYS, 'several');
    expect(rows(several.signs)[0]).toEqual([1, -1, 1, 1]);
    expect(rows(several.shares)[0]).toEqual([0.25, 0.25, 0.25, 0.25]);
  });
});

/**
 * A Persian cat, captioned "cat"; a tabby, captioned "tabby"; a picture known only as a cat, captioned "cat"; a dog, captioned
 * "animal"; a captioned picture that speaks of a dog.
 */
const HIERARCHY: PairKeys[] = [
  { says: ['cat'], holds: ['persian', 'cat', 'animal'], closest: ['persian'], mayHold: [] },
  { says: ['tabby'], holds: ['tabby', 'cat', 'animal'], closest: ['tabby'], mayHold: [] },
  { says: ['cat'], holds: ['cat', 'animal'], closest: ['cat'], mayHold: [] },
  { says: ['animal'], holds: ['dog', 'animal'], closest: ['dog'], mayHold: [] },
  { says: ['two run'], holds: ['two run'], closest: ['two run'], mayHold: ['dog', 'animal'] },
];
// By hand, pictures down, captions across: + true, - untrue, ? not known.
const TRUTH = ['+-++-', '++++-', '+?++-', '---+-', '---?+'];
const relation = (picture: number, caption: number) => TRUTH[picture][caption];
const places = [0, 1, 2, 3, 4];
const rowsOf = (values: ArrayLike<number>) =>
  places.map((picture) => Array.from(values).slice(5 * picture, 5 * picture + 5));

describe('captions that are true in one direction only', () => {
  it('softmax, own: neither what is true of a picture nor what may be is its negative', () => {
    const { mask, caption_targets, picture_targets } = LOSSES.softmax.inputsOf(HIERARCHY, 'own');
    expect(rowsOf(mask).map((row) => row.map((x) => x < 0))).toEqual(
      places.map((i) => places.map((j) => i !== j && relation(i, j) !== '-')),
    );
    const own = places.map((i) => places.map((j) => (i === j ? Math.fround(1 / 5) : 0)));
    expect(rowsOf(caption_targets)).toEqual(own);
    expect(rowsOf(picture_targets)).toEqual(own);
  });

  it('softmax, several: each picture is shared among its captions, each caption among its pictures', () => {
    const { mask, caption_targets, picture_targets } = LOSSES.softmax.inputsOf(HIERARCHY, 'several');
    expect(rowsOf(mask).map((row) => row.map((x) => x < 0))).toEqual(
      places.map((i) => places.map((j) => relation(i, j) === '?')),
    );
    const [third, quarter, fifth] = [3, 4, 1].map((n) => Math.fround(1 / n / 5));
    expect(rowsOf(caption_targets)).toEqual([
      [third, 0, third, third, 0],
      [quarter, quarter, quarter, quarter, 0],
      [third, 0, third, third, 0],
      [0, 0, 0, fifth, 0],
      [0, 0, 0, 0, fifth],
    ]);
    expect(rowsOf(picture_targets)).toEqual([
      [third, 0, third, quarter, 0],
      [third, fifth, third, quarter, 0],
      [third, 0, third, quarter, 0],
      [0, 0, 0, quarter, 0],
      [0, 0, 0, 0, fifth],
    ]);
    // Every picture, and every caption, has one fifth to give.
    for (const i of places) {
      expect(rowsOf(caption_targets)[i].reduce((a, b) => a + b)).toBeCloseTo(0.2, 6);
      expect(rowsOf(picture_targets).reduce((sum, row) => sum + row[i], 0)).toBeCloseTo(0.2, 6);
    }
  });

  it('sigmoid: what may be true counts not at all', () => {
    const fifth = Math.fround(1 / 5);
    const own = LOSSES.sigmoid.inputsOf(HIERARCHY, 'own');
    expect(rowsOf(own.signs)).toEqual(places.map((i) => places.map((j) => (i === j ? 1 : -1))));
    expect(rowsOf(own.shares)).toEqual(
      places.map((i) => places.map((j) => (i === j || relation(i, j) === '-' ? fifth : 0))),
    );
    const several = LOSSES.sigmoid.inputsOf(HIERARCHY, 'several');
    expect(rowsOf(several.signs)).toEqual(
      places.map((i) => places.map((j) => (relation(i, j) === '+' ? 1 : -1))),
    );
    expect(rowsOf(several.shares)).toEqual(
      places.map((i) => places.map((j) => (relation(i, j) === '?' ? 0 : fifth))),
    );
  });
});

import { expect, it } from 'vitest';
import { randomStream } from '../models/data/random.ts';
import { answersOf } from './measure-answers.ts';

// Four classes, three everyday words, two unseen ones, then the classes in the plural and in capitals.
const words = { classes: 4, everyday: 4, unseen: 7, plurals: 9, capitals: 13 };
const asked = (cosines: readonly number[]) => ({
  cosines: Float32Array.from(cosines),
  words,
  own: 2,
  labels: 2,
  logitScale: 100,
  random: randomStream('test'),
});
const EVERYDAY = [0.1, 0.12, 0.08];

it('ranks the right label among others, without it, in other forms and with more', () => {
  const plurals = [0.9, 0.9, 0.1, 0.9];
  const { own, none, plural, capitals, more, unseen } = answersOf(
    asked([0.2, 0.2, 0.5, 0.2, ...EVERYDAY, 0.6, 0.6, ...plurals, 0, 0, 1, 0]),
  );
  expect(own).toEqual({ right: true, certainty: 'sure' });
  expect(none.right).toBe(false);
  expect(plural.right).toBe(false);
  expect(capitals.right).toBe(true);
  expect(more.right).toBe(true);
  // Both unseen words stand above the right label.
  expect(unseen.right).toBe(false);
});

it('sees that nothing fits by the everyday words alone', () => {
  const low = [0.09, 0.09, 0.1, 0.09];
  const { own, none } = answersOf(asked([...low, ...EVERYDAY, 0.9, 0.9, ...low, ...low]));
  expect([own.certainty, none.certainty]).toEqual(['nothing', 'nothing']);
});

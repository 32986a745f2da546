import { expect, it } from 'vitest';
import { pets } from '../data/fixtures/pets-lexicon.ts';
import { keysOf } from '../data/pair-keys.ts';
import { LOSSES } from './contrastive-loss.ts';
import { smoothOverKin } from './kin-smoothing.ts';

const pair = (label: string, says: string, row: number) =>
  keysOf(
    { id: `row ${row}`, labels: [label], captions: [], source: 'made up' },
    { caption: says, says: [says] },
    pets,
  );

/** Tabby and Egyptian cat are kinds of cat, pug is one of dog, cat and dog are animals. */
const KEYS = [
  pair('tabby', 'tabby cat', 0),
  pair('egyptian cat', 'egyptian_cat.n.01', 1),
  pair('pug', 'dog', 2), // its caption speaks of dogs, whose siblings are cats; its picture's would be other dogs
  pair('cat', 'cat', 3),
  pair('egyptian cat', 'egyptian cat', 4),
  pair('giraffe', 'giraffe', 5),
];
const size = KEYS.length;
const places = KEYS.map((_, i) => i);
const rowsOf = (targets: Float32Array) =>
  places.map((i) => Array.from(targets.slice(i * size, (i + 1) * size)));
function expectTargets(targets: Float32Array, rows: number[][]) {
  for (const [i, row] of rows.entries())
    for (const [j, target] of row.entries())
      expect(size * targets[i * size + j], `${i}, ${j}`).toBeCloseTo(target, 5);
}

it('gives a share of each picture to the captions of its siblings, and of each caption to their pictures', () => {
  const plain = LOSSES.softmax.inputsOf(KEYS, 'own');
  const { mask, caption_targets, picture_targets } = smoothOverKin(plain, KEYS, 0.2);
  expect(mask).toEqual(plain.mask);
  expectTargets(caption_targets, [
    [0.8, 0.1, 0, 0, 0.1, 0], // the tabby: both captions of Egyptian cats
    [0.2, 0.8, 0, 0, 0, 0], // the Egyptian cat: the tabby's; the other Egyptian cat's is true of it
    [0, 0, 1, 0, 0, 0], // the pug: no other dog is spoken of
    [0, 0, 0.2, 0.8, 0, 0], // the cat: "dog"
    [0.2, 0, 0, 0, 0.8, 0],
    [0, 0, 0, 0, 0, 1], // what the lexicon does not know has no kin
  ]);
  expectTargets(picture_targets, [
    [0.8, 0.2, 0, 0, 0.2, 0],
    [0.1, 0.8, 0, 0, 0, 0],
    [0, 0, 0.8, 0, 0, 0],
    [0, 0, 0.2, 1, 0, 0],
    [0.1, 0, 0, 0, 0.8, 0],
    [0, 0, 0, 0, 0, 1],
  ]);
});

it('leaves every picture and caption as much to give, also where positives are several', () => {
  const plain = LOSSES.softmax.inputsOf(KEYS, 'several');
  const { caption_targets, picture_targets } = smoothOverKin(plain, KEYS, 0.3);
  // An Egyptian cat: both its captions and "cat" are true of it, "tabby cat" is its kin's.
  const third = 0.7 / 3;
  expectTargets(caption_targets.slice(size, 2 * size), [[0.3, third, 0, third, third, 0]]);
  for (const i of places) {
    const sums = [rowsOf(caption_targets)[i], rowsOf(picture_targets).map((row) => row[i])].map((line) =>
      line.reduce((a, b) => a + b),
    );
    for (const sum of sums) expect(size * sum).toBeCloseTo(1, 5);
  }
});

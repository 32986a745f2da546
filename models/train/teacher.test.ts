import { expect, it } from 'vitest';
import type { RgbImage } from '../clip/types.ts';
import { sharedKeys } from '../data/pair-keys.ts';
import { LOSSES } from './contrastive-loss.ts';
import { MEAN, STD } from './model-folder.ts';
import { type Teacher, withTeacher } from './teacher.ts';

const SCALE = 5;
const unit = (angle: number) => Float32Array.of(Math.cos(angle), Math.sin(angle));
const IMAGES = [0, 0.4, 1.5].map(unit);
const TEXTS = new Map([
  ['a', unit(0.1)],
  ['b', unit(0.9)],
  ['c', unit(1.2)],
]);
const shown: RgbImage[] = [];
const teacher: Teacher = {
  folder: { logitScale: SCALE },
  embedImages: async (images) => {
    shown.push(...images);
    return images.map((_, i) => IMAGES[i]);
  },
  embedTexts: async (texts) => texts.map((text) => TEXTS.get(text) ?? unit(0)),
};

/** Three pictures of 2 × 2 pixels whose levels are 0, 1, 2 … */
const level = (picture: number, channel: number, pixel: number) => 4 * (3 * picture + channel) + pixel;
const pixel_values = new Float32Array(36);
for (const picture of [0, 1, 2])
  for (const channel of [0, 1, 2])
    for (const pixel of [0, 1, 2, 3]) {
      const value = level(picture, channel, pixel) / 255;
      pixel_values[level(picture, channel, pixel)] = (value - MEAN[channel]) / STD[channel];
    }
const batch = { pixel_values, captions: ['a', 'b', 'c'] };

const softmax = (values: number[]) => {
  const powers = values.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
};
const places = [0, 1, 2];
const column = (rows: number[][], j: number) => rows.map((row) => row[j]);
const dot = (a: Float32Array, b: Float32Array) => a[0] * b[0] + a[1] * b[1];
const teachers = IMAGES.map((image) => [...TEXTS.values()].map((text) => SCALE * dot(image, text)));

it("gives open_clip's loss: the contrastive one and the cross-entropy to the teacher's softmax", async () => {
  const plain = LOSSES.softmax.inputsOf(
    ['x', 'y', 'z'].map((key) => sharedKeys([key])),
    'own',
  );
  const { mask, caption_targets, picture_targets } = await withTeacher(plain, batch, teacher, 0.5);
  const students = [
    [2, -1, 0.5],
    [0.3, 1, 0.7],
    [-2, 1, 3],
  ];
  // As DistillClipLoss in open_clip's loss.py, on rows and on columns.
  const crossEntropies = [students, places.map((j) => column(students, j))].map((logits, direction) => {
    const taught = direction === 0 ? teachers : places.map((j) => column(teachers, j));
    const logs = logits.map((row) => softmax(row).map(Math.log));
    const contrastive = places.reduce((sum, i) => sum - logs[i][i], 0) / 3;
    const distilled =
      places.reduce((sum, i) => sum - softmax(taught[i]).reduce((s, p, j) => s + p * logs[i][j], 0), 0) / 3;
    return contrastive + 0.5 * distilled;
  });
  let loss = 0;
  for (const i of places)
    for (const j of places) {
      loss -= 0.5 * caption_targets[3 * i + j] * Math.log(softmax(students[i])[j]);
      loss -= 0.5 * picture_targets[3 * i + j] * Math.log(softmax(column(students, j))[i]);
    }
  expect(loss).toBeCloseTo((crossEntropies[0] + crossEntropies[1]) / 2, 6);
  expect(mask).toEqual(plain.mask);
});

it('chooses only among what the mask leaves', async () => {
  const plain = LOSSES.softmax.inputsOf(
    ['x', 'y', 'x'].map((key) => sharedKeys([key])),
    'own',
  );
  const { caption_targets, picture_targets } = await withTeacher(plain, batch, teacher, 1);
  const [own, other] = softmax([teachers[0][0], teachers[0][1]]);
  for (const [j, target] of [(1 + own) / 3, other / 3, 0].entries())
    expect(caption_targets[j]).toBeCloseTo(target, 6);
  const [first, second] = softmax([teachers[0][0], teachers[1][0]]);
  for (const [i, target] of [(1 + first) / 3, second / 3, 0].entries())
    expect(picture_targets[3 * i]).toBeCloseTo(target, 6);
});

it('sees the pictures of the batch, and leaves the inputs that it was given', async () => {
  shown.length = 0;
  const plain = LOSSES.softmax.inputsOf(
    ['x', 'y', 'z'].map((key) => sharedKeys([key])),
    'own',
  );
  const before = plain.caption_targets.slice();
  await withTeacher(plain, batch, teacher, 1);
  expect(plain.caption_targets).toEqual(before);
  for (const [picture, { width, height, channels, data }] of shown.entries()) {
    expect([width, height, channels]).toEqual([2, 2, 3]);
    const levels = [0, 1, 2, 3].flatMap((pixel) =>
      [0, 1, 2].map((channel) => level(picture, channel, pixel)),
    );
    expect([...data]).toEqual(levels);
  }
});

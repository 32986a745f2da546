import { expect, test } from 'vitest';
import { drawCaption } from './captions.ts';
import { TRAINING_TEMPLATES } from './training-templates.ts';

function draws(text: { labels: string[]; captions: string[] }, count: number): string[] {
  return Array.from({ length: count }, (_, epoch) => drawCaption(text, { seed: 1, epoch, row: 7 }));
}

test('every template has one place for the name, and none occurs twice', () => {
  for (const template of TRAINING_TEMPLATES) expect(template.split('{}')).toHaveLength(2);
  expect(new Set(TRAINING_TEMPLATES).size).toBe(TRAINING_TEMPLATES.length);
  expect(TRAINING_TEMPLATES.length).toBeGreaterThanOrEqual(30);
});

test('is a pure function of seed, epoch and row', () => {
  const text = { labels: ['orangutan', 'orang'], captions: [] };
  const caption = drawCaption(text, { seed: 3, epoch: 4, row: 5 });
  expect(drawCaption(text, { seed: 3, epoch: 4, row: 5 })).toBe(caption);
  const over = (draw: (i: number) => string) => new Set(Array.from({ length: 40 }, (_, i) => draw(i))).size;
  expect(over((epoch) => drawCaption(text, { seed: 3, epoch, row: 5 }))).toBeGreaterThan(10);
  expect(over((row) => drawCaption(text, { seed: 3, epoch: 4, row }))).toBeGreaterThan(10);
  expect(over((seed) => drawCaption(text, { seed, epoch: 4, row: 5 }))).toBeGreaterThan(10);
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

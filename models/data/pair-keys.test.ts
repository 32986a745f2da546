import { expect, test } from 'vitest';
import { pets } from './fixtures/pets-lexicon.ts';
import { keysOf, sharedKeys } from './pair-keys.ts';

const row = (labels: string[], captions: string[] = []) => ({
  id: 'Row 1',
  labels,
  captions,
  source: 'made up',
});

test('without a lexicon a pair is all that it is called, whatever its caption says', () => {
  const keys = keysOf(row(['Dog'], ['A Dog', 'dog']), { caption: 'A Dog' });
  expect(keys).toEqual(sharedKeys(['dog', 'a dog', 'row 1']));
});

test('with one, the caption says one thing and the picture holds everything broader', () => {
  const keys = keysOf(row(['tabby']), { caption: 'a photo of a cat', says: ['cat'] }, pets);
  expect(keys.says).toEqual(['cat']);
  expect(keys.holds).toEqual(
    expect.arrayContaining(['tabby', 'tabby cat', 'tabby.n.01', 'cat', 'cat.n.01', 'animal', 'row 1']),
  );
  expect(keys.closest).toEqual(['tabby', 'tabby cat', 'tabby.n.01']);
});

test('its kin go by what the caption speaks of, and by what the picture shows', () => {
  const kinOf = (label: string, says?: string[]) => keysOf(row([label]), { caption: '', says }, pets).kin;
  const [cat, animal] = [['cat.n.01'], ['animal.n.01']];
  expect(kinOf('tabby', ['tabby cat'])).toEqual({ ofPicture: cat, ofCaption: cat });
  expect(kinOf('egyptian cat', ['egyptian_cat.n.01'])).toEqual({ ofPicture: cat, ofCaption: cat });
  expect(kinOf('tabby', ['cat'])).toEqual({ ofPicture: cat, ofCaption: animal });
  expect(kinOf('tabby', ['creature'])).toEqual({ ofPicture: cat, ofCaption: [] });
  expect(keysOf(row(['garfield', 'cat']), { caption: '', says: ['garfield'] }, pets).kin?.ofPicture).toEqual(
    cat,
  );
  expect(kinOf('giraffe')).toBeUndefined();
});

test('labels that it does not know stay as they are without one', () => {
  expect(keysOf(row(['Giraffe']), { caption: 'giraffe' }, pets)).toEqual(sharedKeys(['giraffe', 'row 1']));
});

test('a captioned row says its caption, holds all of them, and may hold what they speak of', () => {
  const keys = keysOf(row([], ['A Pug.', 'On grass']), { caption: 'On grass' }, pets);
  expect(keys.says).toEqual(['on grass']);
  expect(keys.holds).toEqual(['a pug.', 'on grass', 'row 1']);
  expect(keys.mayHold).toEqual(expect.arrayContaining(['pug', 'dog', 'animal']));
});

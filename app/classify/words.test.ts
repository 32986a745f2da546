import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanPastedText } from '../../models/clip/paste.ts';
import { MAX_LABELS, MAX_WORDS_LENGTH } from './limits.ts';
import { addWords, hasForeignLetters, LABELS, LINES, moveWords, replaceWords, TEMPLATES } from './words.ts';

describe('addWords', () => {
  it('takes a list parted by commas, semicolons, tabs or lines', () => {
    expect(addWords([], 'cat, dog;a red bus\tboat\r\n\n tree ', LABELS, cleanPastedText)).toEqual({
      list: ['cat', 'dog', 'a red bus', 'boat', 'tree'],
      added: 5,
      refused: 0,
      notes: [],
    });
  });

  it('takes a list of a line each without parting the lines', () => {
    const text = 'rock, roll\r\none; two\tthree\n\nfour';
    expect(addWords([], text, LABELS, cleanPastedText, LINES).list).toEqual([
      'rock, roll',
      'one; two three',
      'four',
    ]);
  });

  it('resolves entities without taking their end for a separator', () => {
    expect(addWords([], 'rock &amp; roll;caf&eacute;', LABELS, cleanPastedText).list).toEqual([
      'rock & roll',
      'café',
    ]);
  });

  it('names what was there already and keeps the list itself where nothing is new', () => {
    const list = ['cat'];
    const result = addWords(list, 'Cat,  CAT', LABELS, cleanPastedText);
    expect(result.list).toBe(list);
    expect(result.notes).toEqual(['2 labels were there already.']);
  });

  it('says that there was nothing in an empty label', () => {
    expect(addWords(['cat'], ' ,; ', LABELS, cleanPastedText)).toEqual({
      list: ['cat'],
      added: 0,
      refused: 0,
      notes: ['There was no label in that; type a word or two.'],
    });
  });

  it('stops at the limit and counts what it left out', () => {
    const text = Array.from({ length: MAX_LABELS + 3 }, (_, index) => `label ${index}`).join('\n');
    const result = addWords([], text, LABELS, cleanPastedText);
    expect(result.list).toHaveLength(MAX_LABELS);
    expect(result.refused).toBe(3);
    expect(result.notes).toEqual(['3 labels left out: 2,000 is the most.']);
  });

  it('refuses what no context holds', () => {
    const result = addWords([], `cat,${'x'.repeat(MAX_WORDS_LENGTH + 1)}`, LABELS, cleanPastedText);
    expect(result.list).toEqual(['cat']);
    expect(result.refused).toBe(1);
    expect(result.notes[0]).toContain('401 characters');
  });

  it('keeps commas in templates and asks for a place for the label', () => {
    const result = addWords([], 'a dark, blurry photo of a {}.\na photo', TEMPLATES, cleanPastedText);
    expect(result.list).toEqual(['a dark, blurry photo of a {}.']);
    expect(result.notes).toEqual(['“a photo” needs {} where the label goes: “a photo of a {}.”']);
  });

  it('never holds the same words twice, nor empty ones', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (pieces) => {
        const { list } = addWords([], pieces.join('\n'), LABELS, cleanPastedText);
        expect(new Set(list.map((words) => words.normalize('NFC').toLowerCase())).size).toBe(list.length);
        expect(list.every((words) => words.trim() !== '')).toBe(true);
      }),
    );
  });
});

describe('replaceWords', () => {
  it('changes one entry in its place', () => {
    expect(replaceWords(['cat', 'dog'], 'cat', ' Tabby  cat ', LABELS, cleanPastedText)).toEqual({
      list: ['Tabby cat', 'dog'],
      note: null,
    });
  });

  it('lets an entry change its case, but not become another', () => {
    expect(replaceWords(['cat', 'dog'], 'cat', 'Cat', LABELS, cleanPastedText).list).toEqual(['Cat', 'dog']);
    expect(replaceWords(['cat', 'dog'], 'cat', 'DOG', LABELS, cleanPastedText).note).toBe(
      '“DOG” is there already.',
    );
    expect(replaceWords(['cat'], 'cat', '  ', LABELS, cleanPastedText).note).toContain('cannot be empty');
  });
});

describe('moveWords', () => {
  it('moves one or several before or behind another', () => {
    const list = ['a', 'b', 'c', 'd'];
    expect(moveWords(list, new Set(['d']), 'b', 'before')).toEqual(['a', 'd', 'b', 'c']);
    expect(moveWords(list, new Set(['a', 'c']), 'd', 'after')).toEqual(['b', 'd', 'a', 'c']);
    expect(moveWords(list, new Set(['a']), 'a', 'after')).toBe(list);
  });
});

describe('hasForeignLetters', () => {
  it.each([
    ['a red bus', false],
    ['café no. 5 – naïve', false],
    ['🐈 cat', false],
    ['猫', true],
    ['кошка', true],
    ['cat 猫', true],
  ])('%s: %s', (label, expected) => expect(hasForeignLetters(label)).toBe(expected));
});

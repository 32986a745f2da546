import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandPrompts, fillTemplate, hasPlace, TEMPLATE_SETS, templateSet } from './prompts.ts';

describe('fillTemplate', () => {
  test.each([
    ['a photo of a {}.', 'cat', 'a photo of a cat.'],
    ['a photo of a {label}.', 'cat', 'a photo of a cat.'],
    ['{} and {label}', 'cat', 'cat and cat'],
    ['{}', '', ''],
    ['a {}', '$&', 'a $&'],
    ['a {}', "$$ $` $' $1", "a $$ $` $' $1"],
    ['a {}!', '{}', 'a {}!'],
    ['a {}, a {}', '{label}', 'a {label}, a {label}'],
    ['{a} {} {labels}', 'x', '{a} x {labels}'],
  ])('%j with %j', (template, label, prompt) => {
    expect(fillTemplate(template, label)).toBe(prompt);
  });

  test('any label arrives as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (label) => {
        expect(fillTemplate('<{}|{label}>', label)).toBe(`<${label}|${label}>`);
      }),
    );
  });

  test('a template without a place is refused', () => {
    expect(hasPlace('a photo')).toBe(false);
    expect(() => fillTemplate('a photo', 'cat')).toThrow(
      'The template "a photo" has no place for the label; write {} where it goes.',
    );
  });
});

test('expandPrompts goes label by label', () => {
  expect(expandPrompts(['cat', 'dog'], ['a {}', 'the {}'])).toEqual(['a cat', 'the cat', 'a dog', 'the dog']);
  expect(expandPrompts([], ['a {}'])).toEqual([]);
});

describe('TEMPLATE_SETS', () => {
  test.each(TEMPLATE_SETS)(
    '$id can be filled and says what it is for',
    ({ id, name, description, templates }) => {
      expect(templates.every(hasPlace)).toBe(true);
      expect(new Set(templates).size).toBe(templates.length);
      expect(name).not.toBe('');
      expect(description).toMatch(/\.$/);
      expect(templateSet(id)).toBe(templates);
    },
  );

  test('ids are their own', () => {
    expect(new Set(TEMPLATE_SETS.map(({ id }) => id)).size).toBe(TEMPLATE_SETS.length);
  });
});

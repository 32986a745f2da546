import { describe, expect, test } from 'vitest';
import { openLexicon } from './lexicon.ts';
import { type Choices, labelsOf, makeLexicon, makeNounLexicon } from './make-lexicon.ts';
import type { Synset, WordNet } from './wordnet.ts';

function sense(
  id: string,
  names: string[],
  domain: string,
  broader: string[] = [],
  more: Partial<Synset> = {},
): Synset {
  const zeros = names.map(() => 0);
  return {
    id,
    names,
    ranks: names.map(() => 1),
    counts: zeros,
    domain,
    definition: '',
    broader,
    count: 0,
    individual: false,
    ...more,
  };
}

const SENSES = [
  sense('animal.n.01', ['animal', 'brute'], 'animal', ['whole.n.02'], { counts: [69, 0], count: 69 }),
  sense('whole.n.02', ['whole'], 'Tops'),
  sense('bird.n.01', ['bird'], 'animal', ['vertebrate.n.01']),
  sense('vertebrate.n.01', ['vertebrate'], 'animal', ['animal.n.01']),
  sense('crane.n.04', ['crane'], 'artifact', ['device.n.01']),
  sense('device.n.01', ['device'], 'artifact', ['whole.n.02']),
  sense('crane.n.05', ['crane', 'Grus grus'], 'animal', ['bird.n.01'], {
    definition: 'large (and long-necked) wading bird of marshes; "a crane flew by"',
  }),
  sense('orange.n.01', ['orange'], 'attribute'),
  sense('orange.n.02', ['orange'], 'food', ['fruit.n.01']),
  sense('fruit.n.01', ['fruit'], 'food', ['produce.n.01']),
  sense('produce.n.01', ['produce'], 'food'),
  sense('milk.n.01', ['milk'], 'food'),
  sense('basketball.n.01', ['basketball'], 'act'),
  sense('basketball.n.02', ['basketball'], 'artifact', ['whole.n.02']),
];
const wordNet: WordNet = {
  licence: ['made up'],
  synsets: SENSES,
  senses: (word) => SENSES.filter(({ names }) => names.includes(word)),
  synset: (id) => {
    const found = SENSES.find((each) => each.id === id);
    if (!found) throw new Error(`no sense ${id}`);
    return found;
  },
};
const choices: Choices = {
  about: [],
  domains: { '*': ['animal', 'artifact', 'food'], sports: ['act'] },
  senses: {},
  unspoken: ['whole.n.02', 'vertebrate.n.01', 'device.n.01', 'produce.n.01'],
  names: {},
};

function make(rows: readonly [label: string, source: string][], given: Partial<Choices> = {}) {
  const texts = rows.map(([label, source], i) => ({
    id: String(i),
    labels: label === '' ? [] : label.split('; '),
    captions: [],
    source,
  }));
  const source = {
    name: 'made up',
    length: texts.length,
    text: (i: number) => texts[i],
    row: () => Promise.reject(new Error('No picture is read.')),
  };
  return makeLexicon(labelsOf(source), wordNet, { ...choices, ...given });
}

describe('which sense a label has', () => {
  test('its data set’s likeliest domain', () => {
    expect(make([['Crane', 'zoo']]).lexicon.labels).toEqual({ crane: { is: 'crane.n.05' } });
    const port = { domains: { '*': ['animal'], port: ['artifact'] } };
    expect(make([['crane', 'port']], port).lexicon.labels).toEqual({ crane: { is: 'crane.n.04' } });
  });

  test('the one that has the label’s other names too, or stands below them', () => {
    const odd = { domains: { '*': ['attribute', 'food'] } };
    expect(make([['orange; fruit', 'shop']], odd).lexicon.labels).toEqual({
      'orange; fruit': { is: 'orange.n.02' },
    });
  });

  test('a kind of a later name, or of its last words', () => {
    const { labels } = make([
      ['arla; milk', 'shop'],
      ['oat milk', 'shop'],
      ['quagga', 'zoo'],
    ]).lexicon;
    expect(labels).toEqual({ 'arla; milk': { kindOf: 'milk.n.01' }, 'oat milk': { kindOf: 'milk.n.01' } });
  });

  test('what is chosen by hand goes before, none included', () => {
    const senses = { crane: 'crane.n.04', orange: null, milk: { kindOf: 'produce.n.01' } };
    const { lexicon, chosen } = make(
      [
        ['crane', 'a'],
        ['orange', 'a'],
        ['milk', 'a'],
      ],
      { senses },
    );
    expect(lexicon.labels).toEqual({ crane: { is: 'crane.n.04' }, milk: { kindOf: 'produce.n.01' } });
    expect(chosen.map(({ how }) => how)).toEqual(['by hand', 'by hand', 'by hand']);
  });

  test('none in one data set, by hand', () => {
    const senses = { 'odd: crane': null };
    const { lexicon } = make(
      [
        ['crane', 'zoo'],
        ['crane', 'zoo'],
        ['crane', 'odd'],
      ],
      { senses },
    );
    expect(lexicon.labelsOf).toEqual({ odd: { crane: null } });
    const find = (source: string) =>
      openLexicon({ about: ['by hand'], ...lexicon }).find({ labels: ['crane'], source });
    expect(find('zoo')?.id).toBe('crane.n.05');
    expect(find('odd')).toBeUndefined();
  });

  test('another one in a data set of another domain', () => {
    const { labels, labelsOf: apart } = make([
      ['basketball', 'shop'],
      ['basketball', 'shop'],
      ['basketball', 'sports'],
      ['', 'captioned'],
    ]).lexicon;
    expect(labels).toEqual({ basketball: { is: 'basketball.n.02' } });
    expect(apart).toEqual({ sports: { basketball: { is: 'basketball.n.01' } } });
  });
});

describe('concepts', () => {
  const { concepts } = make([
    ['crane', 'zoo'],
    ['orange', 'shop'],
    ['milk', 'shop'],
  ]).lexicon;

  test('broader ones that people speak of, with the steps between', () => {
    expect(concepts['crane.n.05'].broader).toEqual({ 'bird.n.01': 1 });
    expect(concepts['bird.n.01'].broader).toEqual({ 'animal.n.01': 2 });
    expect(concepts['animal.n.01'].broader).toEqual({});
    expect(Object.keys(concepts)).not.toContain('vertebrate.n.01');
  });

  test('usual names: no Latin, and none that the corpus leaves out where it has one', () => {
    expect(concepts['crane.n.05'].names).toEqual(['crane']);
    expect(concepts['animal.n.01'].names).toEqual(['animal']);
  });

  test('a short definition without brackets and examples, of labels’ own concepts', () => {
    expect(concepts['crane.n.05'].definition).toBe('large wading bird of marshes');
    expect(concepts['bird.n.01'].definition).toBeUndefined();
  });

  test('what is counted: animals and fruit, no milk', () => {
    expect(['crane.n.05', 'orange.n.02', 'milk.n.01'].map((id) => concepts[id].countable)).toEqual([
      true,
      true,
      false,
    ]);
  });
});

test('a choice of a sense that there is not is refused', () => {
  expect(() => make([['crane', 'zoo']], { senses: { crane: 'crane.n.17' } })).toThrow('no sense crane.n.17');
  expect(() => make([['crane', 'zoo']], { unspoken: ['entity.n.09'] })).toThrow('no sense entity.n.09');
});

test('all nouns that a photograph may show, each by its usual name, of a word its first sense', () => {
  const more = [
    ...SENSES,
    sense('genus_grus.n.01', ['genus Grus'], 'animal', ['taxonomic_group.n.01']),
    sense('taxonomic_group.n.01', ['taxonomic group'], 'group'),
    sense('paris.n.01', ['Paris'], 'location', [], { individual: true }),
  ];
  const ranked = more.map((each) => (each.id === 'crane.n.05' ? { ...each, ranks: [2, 1] } : each));
  const all = makeNounLexicon(
    {
      ...wordNet,
      synsets: ranked,
      synset: (id) => ranked.find((each) => each.id === id) ?? wordNet.synset(id),
    },
    choices,
  );
  expect(all.labels.crane).toEqual({ is: 'crane.n.04' });
  // An orange that is a colour is an attribute.
  expect(all.labels.orange).toEqual({ is: 'orange.n.02' });
  expect(all.concepts['orange.n.02'].broader).toEqual({ 'fruit.n.01': 1 });
  for (const none of ['genus grus', 'paris', 'whole']) expect(all.labels).not.toHaveProperty([none]);
});

/**
 * A lexicon for the labels of training data, out of WordNet: which sense a label has, and which of the broader ones people speak
 * of. A wrong sense does more harm than none (the crane that lifts is no bird), so that a file of choices made by hand goes before
 * every rule, and each rule says how it came to its choice.
 */
import * as v from 'valibot';
import { text } from '../clip/checked.ts';
import type { LexiconFile } from './lexicon.ts';
import type { PairSource } from './types.ts';
import type { Synset, WordNet } from './wordnet.ts';

export const Choices = v.object({
  about: v.optional(v.array(text), []),
  /** By data set: WordNet's domains that its labels come from, the likeliest first. `*` is for those without their own. */
  domains: v.pipe(
    v.record(v.string(), v.array(text)),
    v.check((domains) => Object.hasOwn(domains, '*'), 'expected domains for "*", all other data sets'),
  ),
  /** By label, or `<data set>: <label>`: its sense, the sense that it is a kind of, or null where it has none. */
  senses: v.record(v.string(), v.nullable(v.union([text, v.object({ kindOf: text })]))),
  /** Senses whose names nobody uses of a photograph, or whose kinds have nothing in common to be seen. */
  unspoken: v.array(text),
  /** Names that WordNet lacks, or that people use before its own, by sense; the usual one first. */
  names: v.optional(v.record(v.string(), v.array(text)), {}),
});
export type Choices = v.InferOutput<typeof Choices>;

/** How a label came to its sense, for whoever reviews the choices. */
interface Choice {
  readonly label: string;
  /** Where most rows with that label mean something else. */
  readonly apart: boolean;
  readonly rows: number;
  readonly sources: readonly string[];
  readonly sense: Synset | undefined;
  readonly kindOf: boolean;
  readonly how: 'by hand' | 'names agree' | 'domain' | 'later name' | 'last words' | 'none';
}

/** Beyond the training captions' usual cut (16 tokens) little of a definition would be read. */
const LONGEST_DEFINITION = 14;
const SHORTEST_DEFINITION = 3;
/** Of a concept: more names would only make each of them rarer. */
const MOST_NAMES = 3;
/** A name that the corpus has never seen in this sense is kept where the sense is the word's first or second. */
const LAST_SOUND_RANK = 2;
/** Domains of things that people count. Food is eaten by the plate, but for fruit and vegetables. */
const COUNTABLE = new Set(['animal', 'artifact', 'object', 'person', 'plant']);
const COUNTABLE_FOOD = new Set(['produce.n.01', 'vegetable.n.01', 'edible_fruit.n.01']);

/** Domains of what a photograph may show. */
const SHOWN = new Set([
  ...COUNTABLE,
  'act',
  'body',
  'event',
  'food',
  'group',
  'location',
  'phenomenon',
  'shape',
  'substance',
]);

/** The labels of a source, each with how many rows of which data sets have it. */
export function labelsOf(source: PairSource): Map<string, Map<string, number>> {
  const found = new Map<string, Map<string, number>>();
  for (let index = 0; index < source.length; index++) {
    const { labels, source: dataSet } = source.text(index);
    if (labels.length === 0) continue;
    const key = labels.join('; ').toLowerCase();
    const counts = found.get(key) ?? new Map<string, number>();
    counts.set(dataSet, (counts.get(dataSet) ?? 0) + 1);
    found.set(key, counts);
  }
  return found;
}

export function makeLexicon(
  labels: ReadonlyMap<string, ReadonlyMap<string, number>>,
  wordNet: WordNet,
  choices: Choices,
): { lexicon: Omit<LexiconFile, 'about'>; chosen: readonly Choice[] } {
  const chosen = [...labels]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([label, rows]) => chooseForAll(label, rows, wordNet, choices));
  const concepts = conceptsOf(
    chosen.flatMap(({ sense }) => sense ?? []),
    wordNet,
    choices,
  );
  const meaningOf = ({ sense, kindOf }: Choice) =>
    sense ? (kindOf ? { kindOf: sense.id } : { is: sense.id }) : null;
  const meaningsOf = (some: readonly Choice[]) =>
    some.map((choice) => [choice.label, meaningOf(choice)] as const);
  const sourcesApart = [...new Set(chosen.flatMap(({ apart, sources }) => (apart ? sources : [])))].sort();
  return {
    lexicon: {
      concepts,
      labels: Object.fromEntries(
        meaningsOf(chosen.filter(({ apart }) => !apart)).flatMap(([label, meaning]) =>
          meaning ? [[label, meaning]] : [],
        ),
      ),
      labelsOf: Object.fromEntries(
        sourcesApart.map((source) => [
          source,
          // Null too: what most data sets mean by the label is not meant there.
          Object.fromEntries(
            meaningsOf(chosen.filter(({ apart, sources }) => apart && sources[0] === source)),
          ),
        ]),
      ),
    },
    chosen,
  };
}

/**
 * The same for every noun of WordNet that a photograph may show, by its usual name; of a word's senses its first. Not for pictures:
 * for training on texts alone.
 */
export function makeNounLexicon(wordNet: WordNet, choices: Choices): Omit<LexiconFile, 'about'> {
  /** By usual name. */
  const meant = new Map<string, Synset>();
  const rankOf = (name: string, sense: Synset) =>
    sense.ranks[sense.names.findIndex((each) => each.toLowerCase() === name)] ?? Infinity;
  for (const sense of wordNet.synsets) {
    if (sense.individual || !SHOWN.has(sense.domain) || isTaxon(sense, wordNet)) continue;
    const [name] = choices.names[sense.id] ?? usualNames(sense);
    const other = meant.get(name);
    if (!other || rankOf(name, sense) < rankOf(name, other)) meant.set(name, sense);
  }
  const labels = [...meant].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    concepts: conceptsOf([...meant.values()], wordNet, choices),
    labels: Object.fromEntries(labels.map(([name, { id }]) => [name, { is: id }])),
    labelsOf: {},
  };
}

/** Senses and all that they are kinds of. */
function conceptsOf(
  senses: readonly Synset[],
  wordNet: WordNet,
  { unspoken: ids, names }: Choices,
): LexiconFile['concepts'] {
  const unspoken = new Set(ids);
  for (const id of [...ids, ...Object.keys(names)]) wordNet.synset(id);
  const own = new Set(senses);
  const concepts: LexiconFile['concepts'] = {};
  const add = (sense: Synset): void => {
    if (Object.hasOwn(concepts, sense.id)) return;
    const broader = spokenAbove(sense, wordNet, unspoken);
    const definition = own.has(sense) ? shortDefinition(sense.definition) : undefined;
    concepts[sense.id] = {
      names: names[sense.id] ?? usualNames(sense),
      broader: Object.fromEntries(broader),
      count: sense.count,
      ...(definition === undefined ? {} : { definition }),
      countable: isCountable(sense, wordNet),
    };
    for (const id of broader.keys()) add(wordNet.synset(id));
  };
  for (const sense of senses) add(sense);
  return Object.fromEntries(Object.entries(concepts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One meaning of a label for all data sets that have it, or one for most of their rows and others apart. */
function chooseForAll(
  label: string,
  rows: ReadonlyMap<string, number>,
  wordNet: WordNet,
  choices: Choices,
): Choice[] {
  const kinds = new Map<string, Choice>();
  for (const [source, count] of [...rows].sort((a, b) => b[1] - a[1])) {
    const made = choose(label, source, wordNet, choices);
    const meaning = `${made.kindOf} ${made.sense?.id}`;
    const { rows: before, sources } = kinds.get(meaning) ?? { rows: 0, sources: [] };
    kinds.set(meaning, { ...made, label, apart: false, rows: before + count, sources: [...sources, source] });
  }
  const [most, ...others] = [...kinds.values()].sort((a, b) => b.rows - a.rows);
  return [
    most,
    ...others.flatMap((choice) =>
      choice.sources.map((source) => ({
        ...choice,
        apart: true,
        rows: rows.get(source) ?? 0,
        sources: [source],
      })),
    ),
  ];
}

function choose(
  label: string,
  source: string,
  wordNet: WordNet,
  { senses, domains }: Choices,
): Pick<Choice, 'how' | 'sense' | 'kindOf'> {
  const choice = (how: Choice['how'], sense?: Synset, kindOf = false) => ({ how, sense, kindOf });
  const given = [`${source}: ${label}`, label].find((key) => Object.hasOwn(senses, key));
  if (given !== undefined) {
    const hand = senses[given];
    if (hand === null) return choice('by hand');
    return typeof hand === 'string'
      ? choice('by hand', wordNet.synset(hand))
      : choice('by hand', wordNet.synset(hand.kindOf), true);
  }
  const wanted = domains[source] ?? domains['*'];
  const names = label.split('; ');
  const likeliest = (word: string): Synset | undefined => {
    const found = sensesOf(word, wordNet).filter(({ domain }) => wanted.includes(domain));
    // Stable: within a domain the word's most frequent sense stays first.
    return found.sort((a, b) => wanted.indexOf(a.domain) - wanted.indexOf(b.domain))[0];
  };

  const [first, ...others] = names;
  const agreeing = sensesOf(first, wordNet)
    .map((sense) => ({ sense, votes: votesFor(sense, others, wordNet) }))
    .filter(({ votes }) => votes > 0)
    .sort((a, b) => b.votes - a.votes || rankIn(wanted, a.sense.domain) - rankIn(wanted, b.sense.domain))[0];
  if (agreeing) return choice('names agree', agreeing.sense);
  const direct = likeliest(first);
  if (direct) return choice('domain', direct);
  for (const name of others) {
    const sense = likeliest(name);
    if (sense) return choice('later name', sense, true);
  }
  const words = first.split(' ');
  for (let from = 1; from < words.length; from++) {
    const sense = likeliest(words.slice(from).join(' '));
    if (sense) return choice('last words', sense, true);
  }
  return choice('none');
}

const rankIn = (wanted: readonly string[], domain: string) =>
  wanted.includes(domain) ? wanted.indexOf(domain) : wanted.length;

/** How many of the other names the sense has too, or its kinds above have: "orange; fruit" is no colour. */
function votesFor(sense: Synset, others: readonly string[], wordNet: WordNet): number {
  const own = new Set(sense.names.map(folded));
  const above = new Set([...allAbove(sense, wordNet)].flatMap(({ names }) => names.map(folded)));
  // A synonym says more than a broader name, of which several senses may have the same.
  return others.reduce(
    (votes, name) => votes + (own.has(folded(name)) ? 2 : above.has(folded(name)) ? 1 : 0),
    0,
  );
}

/** Nouns of this name; where there are none, of its singular, or of it written together or apart. */
function sensesOf(word: string, wordNet: WordNet): Synset[] {
  const forms = [word, word.replace(/s$/, ''), word.replace(/es$/, ''), word.replace(/ies$/, 'y')];
  forms.push(word.replaceAll(' ', '-'), word.replaceAll('-', ' '), word.replaceAll(' ', ''));
  for (const form of forms) {
    const found = wordNet.senses(form);
    if (found.length > 0) return [...found];
  }
  return [];
}

function allAbove(sense: Synset, wordNet: WordNet): Set<Synset> {
  const found = new Set<Synset>();
  const add = (id: string): void => {
    const each = wordNet.synset(id);
    if (found.has(each)) return;
    found.add(each);
    each.broader.forEach(add);
  };
  sense.broader.forEach(add);
  return found;
}

/** The nearest broader senses that people speak of, on each way up, with the fewest steps that lead there. */
function spokenAbove(sense: Synset, wordNet: WordNet, unspoken: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>();
  const add = (id: string, steps: number): void => {
    if (unspoken.has(id)) for (const next of wordNet.synset(id).broader) add(next, steps + 1);
    else found.set(id, Math.min(steps, found.get(id) ?? steps));
  };
  for (const id of sense.broader) add(id, 1);
  return found;
}

function usualNames(sense: Synset): string[] {
  const names = sense.names.map((name, i) => ({
    name: name.toLowerCase(),
    count: sense.counts[i],
    rank: sense.ranks[i],
    scientific: isScientific(name, sense.domain),
  }));
  const sound = names.filter(
    ({ count, rank, scientific }) => !scientific && (count > 0 || rank <= LAST_SOUND_RANK),
  );
  // WordNet puts the usual name first. Where the corpus never saw that one, a second name makes up for it.
  const [first] = sound;
  const kept = sound
    .filter(({ count }, i) => i === 0 || count > 0 || (i === 1 && first.count === 0))
    .slice(0, MOST_NAMES);
  return kept.length > 0 ? [...new Set(kept.map(({ name }) => name))] : [names[0].name];
}

/** "Canis familiaris", but not "Persian cat": two words of which the first alone is capitalised, and looks Latin. */
function isScientific(name: string, domain: string): boolean {
  return (
    (domain === 'animal' || domain === 'plant') &&
    /^[A-Z][a-z]+ [a-z]+(?:us|a|um|is|ens|es|ii|i|ae|os|on|or|er|ns|ps|x|e)$/.test(name)
  );
}

/** A genus, a family: what biologists put kinds into, which nobody takes a photograph of. */
function isTaxon(sense: Synset, wordNet: WordNet): boolean {
  return [...allAbove(sense, wordNet)].some(({ id }) => id === 'taxonomic_group.n.01');
}

/** A gloss without its examples, brackets and afterthoughts; undefined where what is left is too long or too short to be read. */
function shortDefinition(gloss: string): string | undefined {
  const plain = gloss
    .replace(/\([^()]*\)/g, ' ')
    .split(/[;:"]/)[0]
    .replace(/\s+/g, ' ')
    .replace(/ ,/g, ',')
    .trim();
  const words = plain.split(' ').length;
  return words >= SHORTEST_DEFINITION && words <= LONGEST_DEFINITION ? plain : undefined;
}

function isCountable(sense: Synset, wordNet: WordNet): boolean {
  if (COUNTABLE.has(sense.domain)) return true;
  return [sense, ...allAbove(sense, wordNet)].some(({ id }) => COUNTABLE_FOOD.has(id));
}

const folded = (name: string) => name.toLowerCase().replaceAll(/[ _-]/g, '');

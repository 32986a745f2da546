/**
 * What the labels of training data mean: for each the concept that it names, and for each concept its names, a definition and
 * the broader concepts that it is a kind of. Captions are drawn from it, and by it the loss knows which captions are true of
 * which pictures. `npm run -s lexicon` writes one.
 */
import * as v from 'valibot';
import { checked, parseJson, text } from '../clip/checked.ts';
import { sha256 } from '../clip/manifest.ts';
import { readNamedFile } from '../files/folder.ts';
import { pluralOf } from './plural.ts';
import type { PairText } from './types.ts';

const Concept = v.object({
  /** As people write them, in lower case; the usual one first. */
  names: v.pipe(v.array(text), v.minLength(1)),
  /** The nearest broader concepts, with how many steps of WordNet's hierarchy lie between. */
  broader: v.optional(v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(1))), {}),
  /** How often its names stood for it in WordNet's tagged corpus: everyday words often, technical ones never. */
  count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  definition: v.optional(text),
  /** Whether people speak of several of it: dogs, but not milks. */
  countable: v.optional(v.boolean(), false),
});

/** A label is a concept, or a kind of one that has no concept of its own. */
const Meaning = v.union([v.object({ is: text }), v.object({ kindOf: text })]);
type Meaning = v.InferOutput<typeof Meaning>;

export const LexiconFile = v.pipe(
  v.object({
    /** Whose words these are, and under which terms. */
    about: v.array(text),
    concepts: v.record(v.string(), Concept),
    /** By a row's names in lower case, joined by "; ". */
    labels: v.record(v.string(), Meaning),
    /** By data set, those of its labels that mean another thing there (basketball is a ball, or a game), or null for nothing. */
    labelsOf: v.optional(v.record(v.string(), v.record(v.string(), v.nullable(Meaning))), {}),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { concepts, labels, labelsOf } = dataset.value;
    const meanings = [labels, ...Object.values(labelsOf)].flatMap((each) => Object.values(each));
    const named = [
      ...Object.values(concepts).flatMap(({ broader }) => Object.keys(broader)),
      ...meanings
        .flatMap((meaning) => meaning && ('is' in meaning ? meaning.is : meaning.kindOf))
        .filter((id) => id !== null),
    ];
    const missing = named.find((id) => !Object.hasOwn(concepts, id));
    if (missing !== undefined) addIssue({ message: `expected a concept ${missing}, which is referred to` });
  }),
);
export type LexiconFile = v.InferOutput<typeof LexiconFile>;

/** A broader concept of a label, and how likely it is to be spoken of. */
interface Broader {
  readonly id: string;
  readonly names: readonly string[];
  /** By name; none of what is not counted. */
  readonly plurals: ReadonlyMap<string, string>;
  /** The ids of the nearest that are broader still. */
  readonly under: readonly string[];
  /** Of all broader ones; they sum to 1. */
  readonly share: number;
}

export interface Entry {
  /** The row's own names and the concept's, without broader ones: "apple" is none of Granny Smith's. */
  readonly names: readonly string[];
  /** The nearest first. Empty where nothing broader has a usual name. */
  readonly broader: readonly Broader[];
  /** The concept itself; a mere kind of one has none. */
  readonly id: string | undefined;
  /** The ids of the nearest broader concepts: what shares one is a sibling. */
  readonly under: readonly string[];
  readonly definition: string | undefined;
  /** By name: of the first and of the concept's own. A label's others may be Latin. */
  readonly plurals: ReadonlyMap<string, string>;
  /** How often its names stood for it in WordNet's tagged corpus. */
  readonly count: number;
  /** Everything that is true of such a picture: the row's names, those of all that it is a kind of, and their ids. */
  readonly holds: readonly string[];
}

export interface Lexicon {
  /** All that it knows, but for those that mean another thing in one data set. */
  readonly labels: readonly string[];
  /** What a row's labels mean; undefined where the lexicon does not know them. */
  find(row: Pick<PairText, 'labels' | 'source'>): Entry | undefined;
  /** What a sentence speaks of: the names in it, in singular or plural, with all that they are kinds of. */
  mentions(sentence: string): readonly string[];
}

/**
 * How likely a broader word is beside the one below it. Six in ten lets a dog's breed speak of dogs more than of animals, and
 * still of animals one time in twelve.
 */
const NEARNESS = 0.6;
/** The longest names in words that are looked for in sentences: "polar bear", "bird of prey". */
const LONGEST_MENTION = 3;

/** @returns beside the lexicon what tells this version of the file from others */
export async function readLexicon(path: string): Promise<{ lexicon: Lexicon; version: string }> {
  const bytes = await readNamedFile(path, 'Name a file that `npm run -s lexicon` wrote.');
  const lexicon = openLexicon(checked(LexiconFile, parseJson(bytes, path), path));
  return { lexicon, version: `${path}, SHA-256 ${(await sha256(bytes)).slice(0, 12)}` };
}

export function openLexicon({ concepts, labels, labelsOf }: LexiconFile): Lexicon {
  /** A concept and all broader ones with the fewest steps that lead there, the nearest first. */
  const above = (id: string): Map<string, number> => {
    const steps = new Map<string, number>();
    const climb = (each: string, taken: number): void => {
      const before = steps.get(each);
      if (before !== undefined && before <= taken) return;
      steps.set(each, taken);
      for (const [next, more] of Object.entries(concepts[each].broader)) climb(next, taken + more);
    };
    climb(id, 0);
    return new Map([...steps].sort((a, b) => a[1] - b[1]));
  };
  const pluralsOf = (id: string, names: readonly string[]) =>
    new Map(concepts[id].countable ? names.map((name) => [name, pluralOf(name)]) : []);
  const allNames = (ids: Iterable<string>) => [...ids].flatMap((id) => [id, ...concepts[id].names]);

  const entryOf = (label: string, meaning: Meaning): Entry => {
    const id = 'is' in meaning ? meaning.is : undefined;
    const base = 'is' in meaning ? meaning.is : meaning.kindOf;
    const steps = above(base);
    const own = label.split('; ');
    if (id !== undefined) steps.delete(id);
    const nearest = Math.min(...steps.values());
    const weights = [...steps].map(([each, taken]) => ({
      each,
      weight: NEARNESS ** (taken - nearest) * (1 + Math.log2(1 + concepts[each].count)),
    }));
    const sum = weights.reduce((total, { weight }) => total + weight, 0);
    const broader = weights.map(({ each, weight }) => ({
      id: each,
      names: concepts[each].names,
      plurals: pluralsOf(each, concepts[each].names),
      under: Object.keys(concepts[each].broader),
      share: weight / sum,
    }));
    const broaderNames = new Set(broader.flatMap(({ names }) => names));
    const [first, ...others] = [...own, ...(id === undefined ? [] : concepts[id].names)];
    // The first name stays whatever else it means: without it the row would be about nothing of its own.
    const names = [...new Set([first, ...others.filter((name) => !broaderNames.has(name))])];
    return {
      names,
      broader,
      id,
      under: id === undefined ? [base] : Object.keys(concepts[id].broader),
      definition: id === undefined ? undefined : concepts[id].definition,
      count: concepts[base].count,
      plurals: pluralsOf(base, [names[0], ...(id === undefined ? [] : concepts[id].names)]),
      holds: [
        ...new Set([...own, ...names, ...allNames([...(id === undefined ? [] : [id]), ...steps.keys()])]),
      ],
    };
  };
  const entriesOf = (meanings: Readonly<Record<string, Meaning | null>>) =>
    new Map(
      Object.entries(meanings).map(([label, meaning]) => [
        label,
        meaning ? entryOf(label, meaning) : undefined,
      ]),
    );
  const entries = entriesOf(labels);
  const entriesIn = new Map(
    Object.entries(labelsOf).map(([source, meanings]) => [source, entriesOf(meanings)]),
  );

  /** By name and plural. A word of several senses means all of them here: mentions only keep pairs apart. */
  const meaningsOfWords = () => {
    const mentioned = new Map<string, Set<string>>();
    for (const [id, { names }] of Object.entries(concepts)) {
      const meant = allNames(above(id).keys());
      for (const name of names)
        for (const form of [name, pluralOf(name)]) {
          const known = mentioned.get(form) ?? new Set();
          for (const each of meant) known.add(each);
          mentioned.set(form, known);
        }
    }
    return mentioned;
  };
  /** Made for the first sentence: a lexicon of all nouns meets none, and this is a third of the work of opening one. */
  let mentioned: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  return {
    labels: [...entries.keys()],
    find: ({ labels: names, source }) => {
      const label = names.join('; ').toLowerCase();
      const there = entriesIn.get(source);
      return there?.has(label) ? there.get(label) : entries.get(label);
    },
    mentions: (sentence) => {
      mentioned ??= meaningsOfWords();
      const words = sentence.toLowerCase().match(/[\p{L}\p{N}'-]+/gu) ?? [];
      const found = new Set<string>();
      for (const start of words.keys())
        for (let count = 1; count <= LONGEST_MENTION && start + count <= words.length; count++)
          for (const each of mentioned.get(words.slice(start, start + count).join(' ')) ?? [])
            found.add(each);
      return [...found];
    },
  };
}

// Labels and templates as the visitor edits them: plain lists of cleaned strings. Pure: each edit takes a list and
// gives a new one. What is in a list has been cleaned and is not there twice; the tokenizer lower-cases and collapses
// white space, so 'Cat' and 'cat' would be one prompt and count as the same words.

import { hasPlace } from '../../models/clip/prompts.ts';
import { MAX_LABELS, MAX_TEMPLATES, MAX_WORDS_LENGTH } from './limits.ts';

export interface WordKind {
  readonly one: string;
  readonly many: string;
  readonly limit: number;
  /** What parts the entries of a pasted list. */
  readonly separator: RegExp;
  /** Null where the words can be used; otherwise a sentence that says why not. */
  problem(words: string): string | null;
}

const tooLong = (words: string): string | null =>
  words.length > MAX_WORDS_LENGTH
    ? `“${words.slice(0, 40)}…” has ${words.length} characters; ${MAX_WORDS_LENGTH} is the most that a model can read.`
    : null;

export const LABELS: WordKind = {
  one: 'label',
  many: 'labels',
  limit: MAX_LABELS,
  // A semicolon may also end an HTML entity, as in 'rock &amp; roll'.
  separator: /[\n\r\t,]+|(?<!&#?\w{1,32});/,
  problem: tooLong,
};

export const TEMPLATES: WordKind = {
  one: 'template',
  many: 'templates',
  limit: MAX_TEMPLATES,
  // A template is a sentence and may hold commas.
  separator: /[\n\r\t]+/,
  problem: (words) =>
    tooLong(words) ??
    (hasPlace(words) ? null : `“${words}” needs {} where the label goes: “a photo of a {}.”`),
};

/** What parts the entries of a list that is written a line each, whatever they hold. */
export const LINES = /[\n\r]+/;

/** Words as they are kept: white space collapsed, no half characters, which an address cannot hold. */
export function tidyWords(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replace(/\s+/gu, ' ')
    .trim();
}

/**
 * What is done to words as they are typed or pasted: models/clip/paste.ts resolves HTML entities, as OpenAI's own code does
 * before it tokenizes. Its table of entities is large, so whoever edits loads it.
 */
export type Clean = (text: string) => string;

/** What makes two entries the same to the model. */
export function wordsKey(words: string): string {
  return words.normalize('NFC').toLowerCase();
}

/** From a list as it is to the list as it is to be. */
export type Edit = (words: readonly string[]) => readonly string[];

export interface Added {
  readonly list: readonly string[];
  readonly added: number;
  /** Entries that are not in the list, in no spelling. */
  readonly refused: number;
  /** One sentence for each reason why something was left out. */
  readonly notes: readonly string[];
}

/** Adds every entry of a typed or pasted text at the end of the list. */
export function addWords(
  list: readonly string[],
  text: string,
  kind: WordKind,
  clean: Clean,
  separator = kind.separator,
): Added {
  const result = [...list];
  const keys = new Set(list.map(wordsKey));
  const notes: string[] = [];
  let unusable = 0;
  let repeated = 0;
  let beyondLimit = 0;
  for (const piece of text.split(separator)) {
    const words = tidyWords(clean(piece));
    if (words === '') continue;
    const problem = kind.problem(words);
    if (problem !== null) {
      unusable += 1;
      notes.push(problem);
    } else if (keys.has(wordsKey(words))) {
      repeated += 1;
    } else if (result.length >= kind.limit) {
      beyondLimit += 1;
    } else {
      keys.add(wordsKey(words));
      result.push(words);
    }
  }
  const counted = (count: number) => `${count} ${count === 1 ? kind.one : kind.many}`;
  if (repeated > 0) notes.push(`${counted(repeated)} ${repeated === 1 ? 'was' : 'were'} there already.`);
  if (beyondLimit > 0)
    notes.push(`${counted(beyondLimit)} left out: ${kind.limit.toLocaleString('en')} is the most.`);
  const added = result.length - list.length;
  if (added === 0 && notes.length === 0) notes.push(`There was no ${kind.one} in that; type a word or two.`);
  return { list: added === 0 ? list : result, added, refused: unusable + beyondLimit, notes };
}

export interface Replaced {
  readonly list: readonly string[];
  /** Why the list stayed as it was, or null. */
  readonly note: string | null;
}

/** Puts new words in place of one entry. */
export function replaceWords(
  list: readonly string[],
  before: string,
  text: string,
  kind: WordKind,
  clean: Clean,
): Replaced {
  const words = tidyWords(clean(text));
  if (words === '') return { list, note: `A ${kind.one} cannot be empty; remove it instead.` };
  const problem = kind.problem(words);
  if (problem !== null) return { list, note: problem };
  const key = wordsKey(words);
  if (list.some((entry) => entry !== before && wordsKey(entry) === key)) {
    return { list, note: `“${words}” is there already.` };
  }
  return { list: list.map((entry) => (entry === before ? words : entry)), note: null };
}

/** Moves entries, in the order they have, in front of or behind another one. */
export function moveWords(
  list: readonly string[],
  moved: ReadonlySet<string>,
  target: string,
  position: 'before' | 'after',
): readonly string[] {
  if (moved.has(target)) return list;
  const moving = list.filter((entry) => moved.has(entry));
  const rest = list.filter((entry) => !moved.has(entry));
  const at = rest.indexOf(target) + (position === 'after' ? 1 : 0);
  return [...rest.slice(0, at), ...moving, ...rest.slice(at)];
}

/** True where letters are not Latin: the published CLIPs and ours learnt from English captions. */
export function hasForeignLetters(words: string): boolean {
  return /(?!\p{Script=Latin})\p{L}/u.test(words);
}

/**
 * The words that a picture is trained with, drawn anew in every epoch: one of its captions, or one of its class's names
 * in a sentence; with a lexicon also a broader word or a definition. A pure function of (seed, epoch, row), so that a
 * resumed run reads the same words.
 */
import type { Entry, Lexicon } from './lexicon.ts';
import { pick, type Random, randomStream } from './random.ts';
import { TRAINING_TEMPLATES } from './training-templates.ts';
import type { PairText } from './types.ts';

/** The share of bare names among the captions of labelled rows: visitors type bare names too. */
const BARE_NAME = 0.15;
/** The share of sentences with a full stop: the field's templates are written with one, visitors' words without. */
const FULL_STOP = 0.25;
/**
 * With a lexicon: most captions still tell a class from its kin; more than a quarter name the broader words, that pictures of
 * other classes share and visitors type; the rest explain.
 */
const OWN_NAME = 0.62;
const BROADER_NAME = 0.28;
/** Of names that are counted. Visitors type "dogs", and the tokenizer, that knows no capitals, takes it for another word than "dog". */
const PLURAL = 0.12;
/** Those in which several fit: "a photo of some {}", but not "a photo of a {}". */
const PLURAL_TEMPLATES = TRAINING_TEMPLATES.filter(
  (template) => !/\b(?:a|one|large|small|type of) \{\}/.test(template),
);

/** What a caption of a labelled row may say beside its first name. */
export const CAPTION_WORDS = ['names', 'synonyms', 'broader', 'definitions'] as const;
export type CaptionWords = (typeof CAPTION_WORDS)[number];

export interface Draw {
  readonly seed: number;
  readonly epoch: number;
  readonly row: number;
}

export interface Drawn {
  readonly caption: string;
  /** What it says of the picture, in lower case, where that is less than all that the row is called. */
  readonly says?: readonly string[];
}

type Words = Pick<PairText, 'labels' | 'captions' | 'source'>;

/**
 * A row with captions gives one of them, each as likely as the other. A row with labels alone gives a name, the first
 * in half of the draws (zero-shot class lists go by it), bare or in one of the templates; with a lexicon that knows the
 * labels, also a broader name or an explanation. `words` leaves some of that out.
 */
export function drawCaption(
  text: Words,
  { seed, epoch, row }: Draw,
  lexicon?: Lexicon,
  words: readonly CaptionWords[] = CAPTION_WORDS,
): Drawn {
  const random = randomStream('caption', seed, epoch, row);
  if (text.captions.length > 0) return { caption: pick(text.captions, random) };
  const known = lexicon?.find(text);
  if (!known) {
    const name = pickName(namesIn(text.labels, words), random);
    return { caption: inSentence(name.toLowerCase(), undefined, random) };
  }
  const entry: Entry = {
    ...known,
    names: namesIn(known.names, words),
    broader: words.includes('broader') ? known.broader : [],
    definition: words.includes('definitions') ? known.definition : undefined,
  };
  const { broader, definition } = entry;
  const lot = random();
  if (lot >= OWN_NAME + BROADER_NAME && (definition !== undefined || broader.length > 0))
    return explanation(entry, random);
  return lot >= OWN_NAME && broader.length > 0 ? broaderName(entry, random) : drawName(entry, random);
}

function namesIn(names: readonly string[], words: readonly CaptionWords[]): readonly string[] {
  return words.includes('synonyms') ? names : names.slice(0, 1);
}

/** One of the names of what is shown, bare or in a sentence. */
export function drawName(
  { names, plurals }: Pick<Entry, 'names' | 'plurals'>,
  random: Random,
): Required<Drawn> {
  const name = pickName(names, random);
  return { caption: inSentence(name, plurals.get(name), random), says: [name] };
}

/** What a name means, without that name: another one, a broader one, or the definition; each as likely as the other. */
export function drawMeaning(entry: Entry, name: readonly string[], random: Random): Required<Drawn> {
  const { names, plurals, broader, definition, id } = entry;
  const others = names.filter((each) => !name.includes(each));
  const ways = [
    ...(others.length > 0 ? [() => drawName({ names: others, plurals }, random)] : []),
    ...(broader.length > 0 ? [() => broaderName(entry, random)] : []),
    ...(definition !== undefined ? [() => ({ caption: definition, says: [id ?? names[0]] })] : []),
  ];
  if (ways.length === 0) throw new Error(`Nothing is known of ${names[0]} but its name.`);
  return pick(ways, random)();
}

function broaderName({ broader }: Entry, random: Random): Required<Drawn> {
  return drawName(pickBroader(broader, random), random);
}

/** The definition, or the name with a broader one: what they say is true of this very concept only. */
function explanation({ names, broader, definition, id }: Entry, random: Random): Drawn {
  const name = pickName(names, random);
  const says = [id ?? name];
  if (definition !== undefined && (broader.length === 0 || random() < 0.5))
    return { caption: definition, says };
  return { caption: `${name}, a kind of ${pickName(pickBroader(broader, random).names, random)}`, says };
}

function pickBroader(broader: Entry['broader'], random: Random): Entry['broader'][number] {
  let lot = random();
  for (const concept of broader) {
    lot -= concept.share;
    if (lot < 0) return concept;
  }
  // The shares' sum may miss 1 by a rounding error.
  return broader[broader.length - 1];
}

/** The first in half of the draws, else one of the others. */
function pickName([first, ...others]: readonly string[], random: Random): string {
  return others.length === 0 || random() < 0.5 ? first : pick(others, random);
}

function inSentence(name: string, plural: string | undefined, random: Random): string {
  const several = plural !== undefined && random() < PLURAL;
  const word = several ? plural : name;
  if (random() < BARE_NAME) return word;
  const sentence = pick(several ? PLURAL_TEMPLATES : TRAINING_TEMPLATES, random).replace('{}', () => word);
  return random() < FULL_STOP ? `${sentence}.` : sentence;
}

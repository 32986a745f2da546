/**
 * Pairs of texts about the same thing, without a picture: a name, and another name, a broader word or the definition. Trained on
 * beside pictures, they put words that no picture carried near their kin. Drawn anew for each step, everyday words more often; a pure
 * function of (seed, step), so that a resumed run reads the same.
 */
import { drawMeaning, drawName } from './captions.ts';
import type { Entry, Lexicon } from './lexicon.ts';
import { keysOfTexts, type PairKeys } from './pair-keys.ts';
import { randomStream } from './random.ts';
import type { WordVectors } from './word-vectors.ts';

export interface TextPairs {
  readonly names: readonly string[];
  /** What the name in the same place means. */
  readonly meanings: readonly string[];
  /** What each meaning says and each name holds, as captions and pictures do: a meaning may be true of several names. */
  readonly keys: readonly PairKeys[];
  /** [pairs, size]: the vector of the name in the same place, where there are word vectors, and which names it is true of. */
  readonly vectors?: { readonly data: Float32Array<ArrayBuffer>; readonly keys: readonly PairKeys[] };
}

export interface TextPairStream {
  draw(step: number): TextPairs;
}

/**
 * @param count pairs a step
 * @param vectors what of the lexicon has none is not drawn
 * @throws a sentence where the lexicon has fewer labels that it can say anything of
 */
export function openTextPairs(
  lexicon: Lexicon,
  { count, seed, name, vectors }: { count: number; seed: number; name: string; vectors?: WordVectors },
): TextPairStream {
  const entries = lexicon.labels.flatMap((label) => {
    const entry = lexicon.find({ labels: label.split('; '), source: '' });
    const told =
      entry && (entry.names.length > 1 || entry.broader.length > 0 || entry.definition !== undefined);
    return told && (!vectors || vectorOf(entry, entry.names[0], vectors)) ? [entry] : [];
  });
  if (entries.length < count)
    throw new Error(
      `Drawing ${count} pairs of texts a step from ${name}: found ${entries.length} labels with another name, a broader word or a definition${vectors ? ', and a word vector' : ''}. Name a larger lexicon, such as \`npm run -s lexicon\` writes without --train-data, or use a smaller batch.`,
    );
  // Cumulative: the corpus saw the commonest words some thousand times as often, which would leave room for little else.
  const weights = new Float64Array(entries.length);
  let sum = 0;
  for (const [i, entry] of entries.entries()) {
    sum += 1 + Math.log2(1 + entry.count);
    weights[i] = sum;
  }
  const draw = (random: () => number): number => {
    const lot = random() * sum;
    let [low, high] = [0, entries.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (weights[middle] > lot) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return {
    draw(step) {
      const random = randomStream('text pairs', seed, step);
      const chosen = new Set<number>();
      while (chosen.size < count) chosen.add(draw(random));
      const drawn = Array.from(chosen, (i) => {
        const entry = entries[i];
        const name = drawName(entry, random);
        return { entry, name, meaning: drawMeaning(entry, name.says, random) };
      });
      return {
        names: drawn.map(({ name }) => name.caption),
        meanings: drawn.map(({ meaning }) => meaning.caption),
        keys: drawn.map(({ entry, meaning }) => keysOfTexts(entry, meaning.says)),
        vectors: vectors && vectorsOf(drawn, vectors),
      };
    },
  };
}

/** Of the name, or of the first of the concept's others that has one. */
function vectorOf({ names }: Entry, name: string, vectors: WordVectors) {
  for (const each of [name, ...names]) {
    const vector = vectors.of(each);
    if (vector) return { vector, of: each };
  }
  return undefined;
}

function vectorsOf(
  drawn: readonly { readonly entry: Entry; readonly name: { readonly says: readonly string[] } }[],
  vectors: WordVectors,
): NonNullable<TextPairs['vectors']> {
  const data = new Float32Array(drawn.length * vectors.size);
  const keys = drawn.map(({ entry, name: { says } }, i) => {
    const found = vectorOf(entry, says[0], vectors);
    if (!found)
      throw new Error(`There is no vector of ${entry.names[0]}, which was chosen because it had one.`);
    data.set(found.vector, i * vectors.size);
    return keysOfTexts(entry, [found.of]);
  });
  return { data, keys };
}

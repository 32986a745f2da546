/**
 * Pairs of texts about the same thing, without a picture: a name, and another name, a broader word or the definition. Trained on
 * beside pictures, they put words that no picture carried near their kin. Drawn anew for each step, everyday words more often; a pure
 * function of (seed, step), so that a resumed run reads the same.
 */
import { drawMeaning, drawName } from './captions.ts';
import type { Lexicon } from './lexicon.ts';
import { keysOfTexts, type PairKeys } from './pair-keys.ts';
import { randomStream } from './random.ts';

export interface TextPairs {
  readonly names: readonly string[];
  /** What the name in the same place means. */
  readonly meanings: readonly string[];
  /** What each meaning says and each name holds, as captions and pictures do: a meaning may be true of several names. */
  readonly keys: readonly PairKeys[];
}

export interface TextPairStream {
  draw(step: number): TextPairs;
}

/**
 * @param count pairs a step
 * @throws a sentence where the lexicon has fewer labels that it can say anything of
 */
export function openTextPairs(
  lexicon: Lexicon,
  { count, seed, name }: { count: number; seed: number; name: string },
): TextPairStream {
  const entries = lexicon.labels.flatMap((label) => {
    const entry = lexicon.find({ labels: label.split('; '), source: '' });
    const told =
      entry && (entry.names.length > 1 || entry.broader.length > 0 || entry.definition !== undefined);
    return told ? [entry] : [];
  });
  if (entries.length < count)
    throw new Error(
      `Drawing ${count} pairs of texts a step from ${name}: found ${entries.length} labels with another name, a broader word or a definition. Name a larger lexicon, such as \`npm run -s lexicon\` writes without --train-data, or use a smaller batch.`,
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
        const meaning = drawMeaning(entry, name.says, random);
        return { name: name.caption, meaning: meaning.caption, keys: keysOfTexts(entry, meaning.says) };
      });
      return {
        names: drawn.map(({ name }) => name),
        meanings: drawn.map(({ meaning }) => meaning),
        keys: drawn.map(({ keys }) => keys),
      };
    },
  };
}

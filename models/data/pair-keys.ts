/**
 * What a pair's caption says and what its picture holds, as keys: so that the loss takes no caption for wrong that is true of a
 * picture. "A photo of a cat" is true of a Persian cat's picture, though "a Persian cat" is not of every cat's.
 */
import type { Entry, Lexicon } from './lexicon.ts';
import type { PairText } from './types.ts';

export interface PairKeys {
  /** The caption is true of every picture that holds one of these. */
  readonly says: readonly string[];
  /** What is true of the picture. */
  readonly holds: readonly string[];
  /** The closest that is known of the picture. Of what is a kind of it nobody knows: a dog's picture may be a pug's. */
  readonly closest: readonly string[];
  /** What may be on the picture besides: of captions that say so nobody knows. */
  readonly mayHold: readonly string[];
  /** The nearest broader concepts of what the picture shows and of what the caption says; only where a lexicon knows them. */
  readonly kin?: { readonly ofPicture: readonly string[]; readonly ofCaption: readonly string[] };
}

/** Pairs of which each one's caption is true of the other's picture where they share a key. */
export function sharedKeys(keys: readonly string[]): PairKeys {
  return { says: keys, holds: keys, closest: keys, mayHold: [] };
}

/**
 * @param said what the caption that was drawn says, where that is less than all that is known of the row
 * @param lexicon without one, rows share what they are called and nothing else
 */
export function keysOf(
  text: PairText,
  said: { readonly caption: string; readonly says?: readonly string[] },
  lexicon?: Lexicon,
): PairKeys {
  const { id, labels, captions } = text;
  const own = [...new Set([...labels, ...captions, id].map((key) => key.toLowerCase()))];
  if (!lexicon) return sharedKeys(own);
  if (captions.length > 0)
    return {
      says: [said.caption.toLowerCase()],
      holds: own,
      closest: own,
      mayHold: captions.flatMap((caption) => lexicon.mentions(caption)),
    };
  const entry = lexicon.find(text);
  if (!entry) return sharedKeys(own);
  const { holds, ...keys } = keysOfTexts(entry, said.says ?? own);
  const speaksOf = (names: readonly string[]) => names.some((name) => said.says?.includes(name));
  const spoken = speaksOf(keys.closest) ? entry : entry.broader.find(({ names }) => speaksOf(names));
  return {
    ...keys,
    holds: [...holds, id.toLowerCase()],
    kin: { ofPicture: entry.under, ofCaption: (spoken ?? entry).under },
  };
}

/** The same of two texts: one names the concept, the other says `says` of it. */
export function keysOfTexts({ id, names, holds }: Entry, says: readonly string[]): PairKeys {
  return { says, holds, closest: id === undefined ? names : [...names, id], mayHold: [] };
}

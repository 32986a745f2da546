// Zero-shot classification as the CLIP paper measures it: each class is the ensemble of its names in every template, a picture
// is given the class of the nearest vector, and acc1 and acc5 say how often the right one is first or among the first five.

import { expandPrompts } from '../clip/prompts.ts';
import { cosines, ensemble, packVectors } from '../clip/ranking.ts';
import type { PairSource, PairText } from '../data/types.ts';
import type { Embedder, UnitVector } from '../inference/model.ts';
import { embedSource } from './embed-source.ts';
import { rankOf } from './rank.ts';

/** A class as its acceptable names: synonyms, or a fine and a coarse name. The first is its name for people. */
export type ClassNames = readonly string[];

export interface ZeroShotFigures {
  /** Share of pictures whose right class is nearest, 0 to 1. */
  readonly acc1: number;
  /** Share of pictures whose right class is among the five nearest. */
  readonly acc5: number;
  /** Pictures. */
  readonly n: number;
  readonly classes: number;
  /** acc1 of each class, by its first name. */
  readonly perClass: readonly { readonly name: string; readonly n: number; readonly acc1: number }[];
}

export interface ZeroShotOptions {
  readonly templates: readonly string[];
  /** The source's own labels by default. */
  readonly classes?: readonly ClassNames[];
  /** Called after each picture. */
  readonly onProgress?: (done: number) => void;
  /** Told each picture's cosines with the classes, and which of them are right. */
  readonly onScores?: OnScores;
}

export type OnScores = (index: number, scores: Float32Array<ArrayBuffer>, right: readonly number[]) => void;

/** Classifies every picture of `source`. Rejects with a sentence where a picture cannot be read: figures are over all or none. */
export async function zeroShot(
  model: Embedder,
  source: PairSource,
  { templates, classes = classesOf(source), onProgress, onScores }: ZeroShotOptions,
): Promise<ZeroShotFigures> {
  const rightOf = rightClasses(classes);
  const right = Array.from({ length: source.length }, (_, index) => rightOf(source.text(index)));
  const vectors = await classVectors(classes, templates, (texts) => model.embedTexts(texts));
  const images = await embedSource(model, source, onProgress);
  return zeroShotFigures(images, right, classes, vectors, onScores);
}

/** The classes of a source: its distinct labels, in alphabetical order. Throws where a row has none. */
export function classesOf(source: PairSource): ClassNames[] {
  const classes = new Map<string, ClassNames>();
  for (let index = 0; index < source.length; index++) {
    const labels = labelsOf(source.text(index));
    classes.set(key(labels), labels);
  }
  const spelling = (names: ClassNames) => names.map(folded).join('; ');
  return [...classes.values()].sort((a, b) => (spelling(a) < spelling(b) ? -1 : 1));
}

/** One unit vector a class: the mean over its names and the templates. */
export async function classVectors(
  classes: readonly ClassNames[],
  templates: readonly string[],
  embedTexts: (texts: readonly string[]) => Promise<UnitVector[]>,
): Promise<UnitVector[]> {
  const prompts = classes.map((names) => expandPrompts(names, templates));
  const vectors = await embedTexts(prompts.flat());
  let first = 0;
  return prompts.map(({ length }) => {
    const own = vectors.slice(first, first + length);
    first += length;
    return ensemble(own, length)[0];
  });
}

/**
 * Says which of `classes` are right for a row: the one with the row's own label; where a list from elsewhere has no such class, all
 * that share a name with it. Two classes that share a coarse name alone (two kinds of apple) are therefore not each other's.
 */
export function rightClasses(classes: readonly ClassNames[]): (row: PairText) => number[] {
  // Made once: there may be a thousand classes, and pictures without end.
  const byKey = new Map<string, number>();
  const byName = new Map<string, Set<number>>();
  for (const [index, names] of classes.entries()) {
    if (!byKey.has(key(names))) byKey.set(key(names), index);
    for (const name of names.map(folded)) byName.set(name, (byName.get(name) ?? new Set()).add(index));
  }
  return (row) => {
    const labels = labelsOf(row);
    const own = byKey.get(key(labels));
    if (own !== undefined) return [own];
    const shared = new Set(labels.flatMap((label) => [...(byName.get(folded(label)) ?? [])]));
    if (shared.size > 0) return [...shared].sort((a, b) => a - b);
    throw new Error(
      `${row.id} is labelled ${JSON.stringify(labels.join('; '))}, which is none of the ${classes.length} classes. Put it into the file of --classes, or leave that out.`,
    );
  };
}

/** The figures of pictures' vectors against classes' vectors; `right[i]` are the right classes of picture i. */
export function zeroShotFigures(
  images: readonly UnitVector[],
  right: readonly (readonly number[])[],
  classes: readonly ClassNames[],
  vectors: readonly UnitVector[],
  onScores?: OnScores,
): ZeroShotFigures {
  const packed = packVectors(vectors);
  const perClass = classes.map((names) => ({ name: names[0], n: 0, hits: 0 }));
  let first = 0;
  let amongFive = 0;
  for (const [i, image] of images.entries()) {
    const scores = cosines(image, packed);
    onScores?.(i, scores, right[i]);
    const rank = Math.min(...right[i].map((index) => rankOf(scores, index)));
    const own = perClass[right[i][0]];
    own.n++;
    if (rank < 1) {
      first++;
      own.hits++;
    }
    if (rank < 5) amongFive++;
  }
  const n = images.length;
  return {
    acc1: first / n,
    acc5: amongFive / n,
    n,
    classes: classes.length,
    perClass: perClass.map(({ name, n, hits }) => ({ name, n, acc1: n === 0 ? 0 : hits / n })),
  };
}

function labelsOf({ id, labels }: PairText): readonly string[] {
  if (labels.length > 0) return labels;
  throw new Error(
    `${id} has no label, so zero-shot classification has nothing to compare with; use retrieval for captions, or give labels.`,
  );
}

/** A class is its set of names: in another order they give the same vector. */
function key(names: readonly string[]): string {
  return [...new Set(names.map(folded))].sort().join('; ');
}

function folded(name: string): string {
  return name.toLowerCase();
}

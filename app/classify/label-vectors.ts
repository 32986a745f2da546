// From prompts to labels: a label whose prompts are all encoded has a vector, their ensemble.

import { ensemble } from '../../models/clip/ranking.ts';
import { inSlices } from './slices.ts';

/** Labels that can be ranked, in the visitor's order. Equal vectors are the same arrays from one set to the next. */
export interface LabelSet {
  readonly labels: readonly string[];
  /** [labels], unit vectors. */
  readonly vectors: readonly Float32Array[];
  readonly indexOf: ReadonlyMap<string, number>;
}

export const NO_LABELS: LabelSet = { labels: [], vectors: [], indexOf: new Map() };

export type LabelSetMaker = (
  labels: readonly string[],
  /** Vectors of a label's prompts, in the templates' order; null where one is missing. */
  promptVectors: (label: string) => readonly Float32Array[] | null,
) => Promise<LabelSet>;

/** A maker that keeps each label's vector for as long as its prompts' vectors are the same. */
export function createLabelSetMaker(): LabelSetMaker {
  let kept = new Map<string, { readonly parts: readonly Float32Array[]; readonly vector: Float32Array }>();
  return async (labels, promptVectors) => {
    const next: typeof kept = new Map();
    await inSlices(labels, (label) => {
      const parts = promptVectors(label);
      if (parts === null) return;
      const before = kept.get(label);
      const same =
        before?.parts.length === parts.length && before.parts.every((part, i) => part === parts[i]);
      const vector = same ? before.vector : ensemble(parts, parts.length)[0];
      if (vector !== undefined) next.set(label, { parts, vector });
    });
    kept = next;
    const ready = [...next.keys()];
    return {
      labels: ready,
      vectors: Array.from(next.values(), ({ vector }) => vector),
      indexOf: new Map(ready.map((label, index) => [label, index])),
    };
  };
}

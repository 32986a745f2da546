// From prompts to labels: a label whose prompts are all encoded has a vector, their ensemble.

import { ensemble } from '../../models/clip/ranking.ts';
import type { PromptEmbeddings } from '../inference/types.ts';
import { inSlices } from './slices.ts';

export interface LabelVector {
  /** Unit vector. */
  readonly vector: Float32Array;
  /** True where at least one prompt lost its tail at the context's end. */
  readonly truncated: boolean;
}

/** Labels that can be ranked, in the visitor's order. Equal vectors are the same arrays from one set to the next. */
export interface LabelSet {
  readonly labels: readonly string[];
  /** [labels], unit vectors. */
  readonly vectors: readonly Float32Array[];
  readonly indexOf: ReadonlyMap<string, number>;
}

export const NO_LABELS: LabelSet = { labels: [], vectors: [], indexOf: new Map() };

/** @param embeddings of all prompts of the label */
export function labelVector({ vectors, truncated }: PromptEmbeddings): LabelVector {
  const [vector] = ensemble(vectors, vectors.length);
  if (vector === undefined) throw new Error('A label without a prompt has no vector.');
  return { vector, truncated: truncated.includes(true) };
}

/** @param vectorOf null where a label is not encoded */
export async function collectLabels(
  labels: readonly string[],
  vectorOf: (label: string) => Float32Array | null,
): Promise<LabelSet> {
  const ready: string[] = [];
  const vectors: Float32Array[] = [];
  await inSlices(labels, (label) => {
    const vector = vectorOf(label);
    if (vector === null) return;
    ready.push(label);
    vectors.push(vector);
  });
  return { labels: ready, vectors, indexOf: new Map(ready.map((label, index) => [label, index])) };
}

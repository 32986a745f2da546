// The labels that can be ranked: those whose prompts are encoded.

import { inSlices } from './slices.ts';

/** Labels that can be ranked, in the visitor's order. Equal vectors are the same arrays from one set to the next. */
export interface LabelSet {
  readonly labels: readonly string[];
  /** [labels], unit vectors. */
  readonly vectors: readonly Float32Array[];
  readonly indexOf: ReadonlyMap<string, number>;
}

export const NO_LABELS: LabelSet = { labels: [], vectors: [], indexOf: new Map() };

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

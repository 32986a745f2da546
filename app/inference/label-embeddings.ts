// Vectors for labels, in the worker: each prompt's from this device's cache where it was encoded before, from the text tower
// where not, and of a label's prompts one vector, their ensemble.

import { ensemble } from '../../models/clip/ranking.ts';
import { getVectors, keepVectors, type VectorSpace } from '../storage/vectors.ts';
import type { Engine } from './engine.ts';
import type { LabelEmbedding, LabelEmbeddings } from './types.ts';

/** @param labels the prompts of each; the text tower runs only for those that are new, each once */
export async function embedLabels(
  engine: Pick<Engine, 'embedPrompts'>,
  space: VectorSpace,
  labels: readonly (readonly string[])[],
  signal: AbortSignal,
): Promise<LabelEmbeddings> {
  const unique = [...new Set(labels.flat())];
  const known = new Map(
    (await getVectors(space, 'prompt', unique)).flatMap((kept, i) => (kept ? [[unique[i] ?? '', kept]] : [])),
  );
  signal.throwIfAborted();
  const encoded = unique.filter((prompt) => !known.has(prompt));
  if (encoded.length > 0) {
    const { vectors, truncated } = await engine.embedPrompts(encoded, signal);
    const fresh = encoded.map((prompt, i) => {
      const vector = vectors[i];
      if (vector === undefined)
        throw new Error(`The model gave ${vectors.length} vectors for ${encoded.length} prompts.`);
      return [prompt, { vector, truncated: truncated[i] === true }] as const;
    });
    for (const [prompt, value] of fresh) known.set(prompt, value);
    keepVectors(space, 'prompt', fresh);
  }
  const labelOf = (prompts: readonly string[]): LabelEmbedding => {
    const values = prompts.flatMap((prompt) => known.get(prompt) ?? []);
    const [vector] = ensemble(
      values.map((value) => value.vector),
      values.length,
    );
    if (vector === undefined) throw new Error('A label without a prompt has no vector.');
    return { vector, truncated: values.some((value) => value.truncated) };
  };
  return { labels: labels.map(labelOf), encoded };
}

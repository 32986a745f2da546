// Vectors for photographs and prompts: from this device's cache where they were computed before, from the worker where not.
// The page's queries call these; nothing else joins the two. A vector is in the caller's hands before it is kept.

import {
  getVectors,
  type KeptVector,
  putVectors,
  type VectorKind,
  type VectorSpace,
} from '../storage/vectors.ts';
import type { ImageEmbedding, InferenceClient, PromptEmbeddings } from './types.ts';

export interface PhotoToEmbed {
  /** Its content hash, as storage/photos.ts gives it. */
  readonly id: string;
  readonly name: string;
  /** Asked for only where no vector is kept. */
  readonly read: () => Promise<Blob>;
}

/** A photograph's unit vector; `ms` is null where it came from the cache. */
export async function embedPhoto(
  client: Pick<InferenceClient, 'embedImage'>,
  space: VectorSpace,
  photo: PhotoToEmbed,
  signal?: AbortSignal,
): Promise<{ readonly vector: ImageEmbedding['vector']; readonly ms: number | null }> {
  const [kept] = await getVectors(space, 'image', [photo.id]);
  if (kept !== undefined) return { vector: kept.vector, ms: null };
  signal?.throwIfAborted();
  const { vector, ms } = await client.embedImage(await photo.read(), photo.name, signal);
  keep(space, 'image', [[photo.id, { vector, truncated: false }]]);
  return { vector, ms };
}

/** Unit vectors of prompts, in their order; the text tower runs only for those that are new, each once. */
export async function embedTexts(
  client: Pick<InferenceClient, 'embedPrompts'>,
  space: VectorSpace,
  prompts: readonly string[],
  signal?: AbortSignal,
): Promise<PromptEmbeddings> {
  const unique = [...new Set(prompts)];
  const known = new Map(
    (await getVectors(space, 'prompt', unique)).flatMap((kept, i) => (kept ? [[unique[i] ?? '', kept]] : [])),
  );
  const missing = unique.filter((prompt) => !known.has(prompt));
  if (missing.length > 0) {
    const { vectors, truncated } = await client.embedPrompts(missing, signal);
    const fresh = missing.map((prompt, i) => {
      const vector = vectors[i];
      if (vector === undefined)
        throw new Error(`The worker gave ${vectors.length} vectors for ${missing.length} prompts.`);
      return [prompt, { vector, truncated: truncated[i] === true }] as const;
    });
    for (const [prompt, value] of fresh) known.set(prompt, value);
    keep(space, 'prompt', fresh);
  }
  const all = prompts.map((prompt) => known.get(prompt));
  return {
    vectors: all.flatMap((value) => (value ? [value.vector] : [])),
    truncated: all.flatMap((value) => (value ? [value.truncated] : [])),
  };
}

function keep(space: VectorSpace, kind: VectorKind, entries: (readonly [string, KeptVector])[]): void {
  putVectors(space, kind, entries).catch((error: unknown) =>
    console.warn('Vectors are not kept on this device:', error),
  );
}

// A photograph's vector: from this device's cache where it was computed before, from the worker where not. It is in the caller's
// hands before it is kept.

import { getVectors, keepVectors, type VectorSpace } from '../storage/vectors.ts';
import type { ImageEmbedding, InferenceClient } from './types.ts';

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
  keepVectors(space, 'image', [[photo.id, { vector, truncated: false }]]);
  return { vector, ms };
}

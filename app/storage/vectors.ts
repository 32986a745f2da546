// A cache of unit vectors on this device: a photograph or prompt that was encoded once is not encoded again, in this
// visit or a later one. Keys begin with the model's key and the precision, so that vectors of different models or
// precisions never meet. It is a cache: whatever is dropped from it is computed again.

import type { Precision } from '../../models/clip/types.ts';
import { committed, type Database, database, type KeptVector, type VectorKey } from './database.ts';
import { StorageFullError, StorageUnavailableError } from './errors.ts';

export type { KeptVector } from './database.ts';

/** Where vectors can be compared: one model, one precision. */
export interface VectorSpace {
  readonly modelKey: string;
  readonly precision: Precision;
}

export type VectorKind = 'image' | 'prompt';

/** Going back and forth between a few models or precisions costs nothing; one not used for longer is forgotten. */
const MAX_MODELS = 4;
/** About 200 MB at 512 numbers a vector: ImageNet's 1,000 classes x 80 templates and 20,000 photographs fit. */
const MAX_VECTORS_A_MODEL = 100_000;

function vectorKey(space: VectorSpace, kind: VectorKind, content: string): VectorKey {
  return [space.modelKey, space.precision, kind, content];
}

/** Every key of one model, whatever its precision: in IndexedDB's order an array sorts after every string. */
function modelRange(modelKey: string): IDBKeyRange {
  return IDBKeyRange.bound([modelKey], [modelKey, []]);
}

/** Null where the browser keeps nothing: everything is then computed. */
async function databaseIfAny(): Promise<Database | null> {
  try {
    return await database();
  } catch (error) {
    if (error instanceof StorageUnavailableError) return null;
    throw error;
  }
}

/** A full disk is no error: the vectors are in the caller's hands and are only not kept. */
async function unlessFull(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof StorageFullError)) throw error;
  }
}

/** Opens what vectors are kept in, so that the first look finds it open. */
export function openVectors(): void {
  // Why it does not open is said to whoever needs it.
  databaseIfAny().catch(() => {});
}

/** The kept vectors for `contents` (content hashes or prompts), undefined for each that is not there. */
export async function getVectors(
  space: VectorSpace,
  kind: VectorKind,
  contents: readonly string[],
): Promise<(KeptVector | undefined)[]> {
  const db = await databaseIfAny();
  if (db === null) return contents.map(() => undefined);
  const store = db.transaction('vectors').store;
  return Promise.all(contents.map((content) => store.get(vectorKey(space, kind, content))));
}

/** Keeps vectors that are in the caller's hands already; nobody waits for it. */
export function keepVectors(
  space: VectorSpace,
  kind: VectorKind,
  entries: readonly (readonly [content: string, value: KeptVector])[],
): void {
  putVectors(space, kind, entries).catch((error: unknown) =>
    console.warn('Vectors are not kept on this device:', error),
  );
}

export async function putVectors(
  space: VectorSpace,
  kind: VectorKind,
  entries: Iterable<readonly [content: string, value: KeptVector]>,
): Promise<void> {
  const db = await databaseIfAny();
  if (db === null) return;
  const transaction = db.transaction(['vectors'], 'readwrite');
  const store = transaction.objectStore('vectors');
  const requests = Array.from(entries, ([content, value]) =>
    store.put(value, vectorKey(space, kind, content)),
  );
  await unlessFull(committed(transaction, requests, 'vectors'));
}

/** Forgets what photographs came out as, in every model and precision. */
export async function removeImageVectors(contents: readonly string[]): Promise<void> {
  const db = await databaseIfAny();
  if (db === null || contents.length === 0) return;
  const transaction = db.transaction(['vectors'], 'readwrite');
  const store = transaction.objectStore('vectors');
  const spaces: [modelKey: string, precision: string][] = [];
  // From one space to the next, past all of its vectors: an array sorts after every string.
  for (let key = await store.getKey(IDBKeyRange.lowerBound([])); key !== undefined; ) {
    const [modelKey, precision] = key;
    spaces.push([modelKey, precision]);
    key = await store.getKey(IDBKeyRange.lowerBound([modelKey, precision, []]));
  }
  const requests = spaces.flatMap((space) =>
    contents.map((content) => store.delete([...space, 'image', content] satisfies VectorKey)),
  );
  await committed(transaction, requests, 'vectors');
}

/** Forgets all of a model's vectors. */
export async function removeVectorModel(modelKey: string): Promise<void> {
  const db = await databaseIfAny();
  if (db === null) return;
  const transaction = db.transaction(['vectors', 'vectorModels'], 'readwrite');
  const requests = [
    transaction.objectStore('vectors').delete(modelRange(modelKey)),
    transaction.objectStore('vectorModels').delete(modelKey),
  ];
  await committed(transaction, requests, 'vectors');
}

/**
 * Notes that a model is in use, and forgets the vectors of models not used for longest, and those of a model that has
 * grown past the limit. Call once after a model is loaded.
 */
export async function touchVectorModel(modelKey: string): Promise<void> {
  const db = await databaseIfAny();
  if (db === null) return;
  const transaction = db.transaction(['vectors', 'vectorModels'], 'readwrite');
  const vectors = transaction.objectStore('vectors');
  const models = transaction.objectStore('vectorModels');
  const requests: Promise<unknown>[] = [models.put(Date.now(), modelKey)];
  const used = new Map<string, number>();
  for (let cursor = await models.openCursor(); cursor !== null; cursor = await cursor.continue()) {
    used.set(cursor.key, cursor.value);
  }
  const byAge = [...used.keys()].sort((a, b) => (used.get(b) ?? 0) - (used.get(a) ?? 0));
  for (const old of byAge.slice(MAX_MODELS)) {
    requests.push(vectors.delete(modelRange(old)), models.delete(old));
  }
  if ((await vectors.count(modelRange(modelKey))) > MAX_VECTORS_A_MODEL) {
    requests.push(vectors.delete(modelRange(modelKey)));
  }
  await unlessFull(committed(transaction, requests, 'vectors'));
}

// One IndexedDB database for photographs and vectors, shared by every tab of the site.
//
// Two tabs may run different versions of the page. A tab that is asked to make way for a newer schema closes its
// connection at once; its next use then says that the page was updated. Nothing is held open across an upgrade.

import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from 'idb';
import { isQuotaError, StorageFullError, StorageUnavailableError } from './errors.ts';

export interface KeptPhoto {
  /** SHA-256 of the file's bytes: the same picture added twice is kept once. */
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
  /** Milliseconds since 1970, rising within one drop: the order in which photographs are listed. */
  readonly addedAt: number;
}

export interface KeptVector {
  readonly vector: Float32Array<ArrayBuffer>;
  /** Only prompts can be cut at the context length. */
  readonly truncated: boolean;
}

/** [model key, precision, kind, content hash or prompt]: one order, so that a model's vectors are one key range. */
export type VectorKey = [modelKey: string, precision: string, kind: 'image' | 'prompt', content: string];

interface Schema extends DBSchema {
  photos: { key: string; value: KeptPhoto };
  photoFiles: { key: string; value: Blob };
  vectors: { key: VectorKey; value: KeptVector };
  /** When each model's vectors were last asked for. */
  vectorModels: { key: string; value: number };
}

export type Database = IDBPDatabase<Schema>;

const NAME = 'promptlens';
const VERSION = 1;

let connection: Promise<Database> | null = null;

/** The open database; opened at its first use and again after it had to make way. Rejects with StorageUnavailableError. */
export function database(): Promise<Database> {
  connection ??= open().catch((error: unknown) => {
    connection = null;
    throw error;
  });
  return connection;
}

async function open(): Promise<Database> {
  try {
    return await openDB<Schema>(NAME, VERSION, {
      upgrade(db) {
        db.createObjectStore('photos', { keyPath: 'id' });
        db.createObjectStore('photoFiles');
        db.createObjectStore('vectors');
        db.createObjectStore('vectorModels');
      },
      blocking(_current, _blocked, event) {
        (event.target as IDBDatabase).close();
        connection = null;
      },
      terminated() {
        connection = null;
      },
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'VersionError') {
      throw new StorageUnavailableError(
        'A newer version of this page is open in another tab: reload this one.',
        {
          cause: error,
        },
      );
    }
    throw new StorageUnavailableError(
      `This browser did not let the page store anything on this device (${String(error)}); ` +
        'a private window or blocked site data is the usual reason.',
      { cause: error },
    );
  }
}

/**
 * Waits until a transaction and the requests made in it are on disk. Whichever of them met a full disk, the error is a
 * StorageFullError about `what`; the transaction then left nothing behind.
 */
export async function committed<Mode extends 'readwrite'>(
  transaction: IDBPTransaction<Schema, StoreNames<Schema>[], Mode>,
  requests: readonly Promise<unknown>[],
  what: string,
): Promise<void> {
  const outcomes = await Promise.allSettled([...requests, transaction.done]);
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (failures.some(isQuotaError)) throw new StorageFullError(what);
  if (failures.length > 0) throw failures[0];
}

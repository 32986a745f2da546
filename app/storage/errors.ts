// What can go wrong with the device's own storage, as sentences for a person.

/** The browser gave this site no more room. What was stored before is still there. */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError';

  constructor(what: string) {
    super(
      `There was no room left on this device to keep ${what}; everything kept before is still there. ` +
        'Clear photographs here, or free disk space, and try again.',
    );
  }
}

/** The browser lets this page keep nothing, or not any more: the page then works for this visit alone. */
export class StorageUnavailableError extends Error {
  override readonly name = 'StorageUnavailableError';
}

export function isQuotaError(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'QuotaExceededError';
}

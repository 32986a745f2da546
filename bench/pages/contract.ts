// What the benchmark asks of the pages that it measures beside each other: one with the product's inference client, one with
// transformers.js, one with the runtime alone. All take a model's name as it stands under /models/, and photographs as addresses.

/** What a page answers by itself, as soon as it is opened with `?photograph=…`. */
export interface FirstAnswer {
  /** From the start of the navigation. */
  readonly ms: number;
  /** Of WebAssembly. */
  readonly threads: number;
  readonly best: string;
}

interface Page {
  /** Downloads photographs, so that no later figure has the network in it. */
  fetchPhotographs(addresses: readonly string[]): Promise<void>;
  /** A picture's unit vector, to see that both sides compute the same. */
  embed(address: string): Promise<number[]>;
}

export interface OursPage extends Page {
  /** Threads of WebAssembly. */
  load(model: string): Promise<number>;
  /** Encodes the labels that later calls rank by; milliseconds. */
  setLabels(labels: readonly string[]): Promise<number>;
  /** Photographs [first, first + count), begun again where they end, all asked for at once; milliseconds for all. */
  rank(first: number, count: number): Promise<number>;
  /** One more label over so many photographs and labels. */
  addLabel(
    photographs: number,
    labels: number,
  ): Promise<{ readonly prompt: number; readonly ranking: number }>;
}

/**
 * `one by one`: the pipeline, a call for each photograph. `at once`: the pipeline, one call for all of them. `encoders`: both
 * encoders by themselves, labels encoded once and kept, then a photograph at a time.
 */
export type Way = 'one by one' | 'at once' | 'encoders';

export interface PeerPage extends Page {
  /** Threads of WebAssembly. */
  load(model: string): Promise<number>;
  /** Encodes the labels with the text encoder alone, for the way `encoders`; milliseconds. */
  setLabels(labels: readonly string[]): Promise<number>;
  rank(way: Way, first: number, count: number): Promise<number>;
}

/** onnxruntime-web and a canvas. */
export interface BarePage {
  /** Both encoders' sessions; milliseconds. */
  load(model: string, threads: number): Promise<number>;
  fetchPhotographs(addresses: readonly string[]): Promise<void>;
  /** So many photographs for an encoder of `side` pixels, one after the other; milliseconds. */
  embed(count: number, side: number): Promise<number>;
}

declare global {
  interface Window {
    ours: OursPage;
    peer: PeerPage;
    bare: BarePage;
    firstAnswer: Promise<FirstAnswer> | undefined;
  }
}

/** The pipeline's own template, on both sides. */
export const TEMPLATE = 'This is a photo of {}';

/** What the page's address asks for. */
export function asked(): {
  model: string;
  photograph: string | null;
  labels: string[];
  threads: number | null;
} {
  const search = new URLSearchParams(location.search);
  const threads = search.get('threads');
  return {
    model: search.get('model') ?? '',
    photograph: search.get('photograph'),
    labels: search.getAll('label'),
    threads: threads === null ? null : Number(threads),
  };
}

/** Photographs that were downloaded, taken in a circle. */
export class Photographs {
  #blobs: Blob[] = [];

  async fetch(addresses: readonly string[]): Promise<void> {
    this.#blobs = await Promise.all(addresses.map(fetchBlob));
  }

  take(first: number, count: number): Blob[] {
    return Array.from({ length: count }, (_, i) => this.#blobs[(first + i) % this.#blobs.length]);
  }
}

export async function fetchBlob(address: string): Promise<Blob> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} did not come: ${response.status}.`);
  return response.blob();
}

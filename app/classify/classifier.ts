// The main view's engine: photographs and words in, rankings out. It stands beside React, because a result that arrives
// concerns one card, not the tree.
//
// A photograph's vector and a prompt's vector are queries (query-set.ts), keyed by model, precision and content, and
// know nothing of each other: a new label costs its prompts, a new photograph one image. Ranking is arithmetic over
// what is there, in slices; a cosine once computed is kept for as long as its photograph and its label are.

import type { QueryClient } from '@tanstack/react-query';
import { expandPrompts } from '../../models/clip/prompts.ts';
import { createCosineTable } from '../../models/clip/ranking.ts';
import type { Precision } from '../../models/clip/types.ts';
import type { PromptEmbeddings } from '../inference/types.ts';
import { EVERYDAY_WORDS } from './everyday-words.ts';
import { createLabelSetMaker, type LabelSet, NO_LABELS } from './label-vectors.ts';
import { batchPrompts, type PromptVector } from './prompt-batches.ts';
import { createQuerySet, type Outcome } from './query-set.ts';
import { type Ranking, rankPhoto } from './ranking.ts';
import { inSlices } from './slices.ts';

export interface PhotoVector {
  /** Unit vector. */
  readonly vector: Float32Array<ArrayBuffer>;
  /** Null where the vector was kept from before. */
  readonly ms: number | null;
}

/** What a loaded model offers; made anew for each. */
export interface Encoder {
  readonly modelKey: string;
  readonly precision: Precision;
  readonly logitScale: number;
  embedPhoto(photo: PhotoToRank, signal: AbortSignal): Promise<PhotoVector>;
  embedTexts(prompts: readonly string[], signal: AbortSignal): Promise<PromptEmbeddings>;
}

export interface PhotoToRank {
  /** Content hash. */
  readonly id: string;
  readonly name: string;
  readonly read: () => Promise<Blob>;
}

export interface Task {
  readonly encoder: Encoder | null;
  readonly photos: readonly PhotoToRank[];
  readonly labels: readonly string[];
  readonly templates: readonly string[];
}

export type PhotoResult =
  | { readonly state: 'waiting' }
  /** `ranking` is null where there is no label to rank. */
  | { readonly state: 'ranked'; readonly ranking: Ranking | null }
  | { readonly state: 'failed'; readonly reason: string };

export interface Progress {
  readonly photos: number;
  readonly ranked: number;
  readonly failed: number;
  readonly labels: number;
  readonly labelsReady: number;
  /** Labels of which at least one prompt lost its tail. */
  readonly truncated: readonly string[];
  /** Why labels could not be encoded, or null. */
  readonly labelProblem: string | null;
  /** Median milliseconds of the newest photographs that were encoded in this visit; null before the first. */
  readonly msPerPhoto: number | null;
  /** Rises with every change of any result. */
  readonly version: number;
}

const WAITING: PhotoResult = { state: 'waiting' };
const PACE_OVER = 31;

export class Classifier {
  readonly #photos;
  readonly #prompts;
  readonly #listeners = new Set<() => void>();
  #task: Task = { encoder: null, photos: [], labels: [], templates: [] };
  #embedPrompt: ((prompt: string, signal: AbortSignal) => Promise<PromptVector>) | null = null;

  #cosines = createCosineTable();
  #everydayCosines = createCosineTable();
  #makeLabels = createLabelSetMaker();
  #makeEveryday = createLabelSetMaker();
  #labels: LabelSet = NO_LABELS;
  #everyday: LabelSet = NO_LABELS;
  /** Label by label, as `expandPrompts` orders them. */
  #labelPrompts: readonly string[] = [];
  #everydayPrompts: readonly string[] = [];

  readonly #results = new Map<string, PhotoResult>();
  #truncated: readonly string[] = [];
  #labelProblem: string | null = null;
  readonly #pace: number[] = [];
  #labelsChanged = false;
  readonly #changed = new Set<string>();
  #ranking: Promise<void> | null = null;
  #progress: Progress = {
    photos: 0,
    ranked: 0,
    failed: 0,
    labels: 0,
    labelsReady: 0,
    truncated: [],
    labelProblem: null,
    msPerPhoto: null,
    version: 0,
  };

  constructor(queryClient: QueryClient) {
    this.#photos = createQuerySet<PhotoVector>(queryClient, this.#onPhoto);
    this.#prompts = createQuerySet<PromptVector>(queryClient, this.#onPrompt);
  }

  /** What is to be ranked from now on. */
  update(task: Task): void {
    const before = this.#task;
    this.#task = task;
    const newEncoder = task.encoder !== before.encoder;
    if (newEncoder) this.#changeEncoder(task.encoder);
    if (newEncoder || task.photos !== before.photos) this.#wantPhotos();
    if (newEncoder || task.labels !== before.labels || task.templates !== before.templates) {
      this.#labelPrompts = expandPrompts(task.labels, task.templates);
      this.#everydayPrompts = expandPrompts(EVERYDAY_WORDS, task.templates.slice(0, 1));
      this.#wantPrompts();
      this.#labelsChanged = true;
    }
    this.#rank();
    this.#tell();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly progress = (): Progress => this.#progress;

  /** The same object for as long as nothing about the photograph changes. */
  result(id: string | null): PhotoResult {
    return (id === null ? undefined : this.#results.get(id)) ?? WAITING;
  }

  /** Tries a photograph again that failed. */
  retry(id: string): void {
    this.#results.delete(id);
    this.#photos.retry(id);
    this.#tell();
  }

  /** Tries again everything that failed. */
  retryAll(): void {
    for (const [id, { state }] of this.#results) if (state === 'failed') this.retry(id);
    for (const prompt of this.#labelPrompts) {
      const outcome = this.#prompts.outcome(prompt);
      if (outcome !== undefined && 'error' in outcome) this.#prompts.retry(prompt);
    }
    this.#labelsChanged = true;
    this.#rank();
  }

  #changeEncoder(encoder: Encoder | null): void {
    // Vectors of different models or precisions never meet.
    this.#photos.want(new Map());
    this.#prompts.want(new Map());
    this.#cosines = createCosineTable();
    this.#everydayCosines = createCosineTable();
    this.#makeLabels = createLabelSetMaker();
    this.#makeEveryday = createLabelSetMaker();
    this.#labels = NO_LABELS;
    this.#everyday = NO_LABELS;
    this.#results.clear();
    this.#pace.length = 0;
    this.#embedPrompt =
      encoder === null ? null : batchPrompts((prompts, signal) => encoder.embedTexts(prompts, signal));
  }

  #wantPhotos(): void {
    const { encoder, photos } = this.#task;
    const ids = new Set(photos.map(({ id }) => id));
    for (const id of [...this.#results.keys()]) if (!ids.has(id)) this.#results.delete(id);
    if (encoder === null) return;
    this.#photos.want(
      new Map(
        photos.map((photo) => [
          photo.id,
          {
            queryKey: ['image', encoder.modelKey, encoder.precision, photo.id],
            queryFn: ({ signal }) => encoder.embedPhoto(photo, signal),
          },
        ]),
      ),
    );
  }

  #wantPrompts(): void {
    const { encoder } = this.#task;
    const embed = this.#embedPrompt;
    if (encoder === null || embed === null) return;
    // Everyday words are encoded once there is a photograph, so that the first answer does not wait for them.
    const everyday = this.#results.size > 0 ? this.#everydayPrompts : [];
    this.#prompts.want(
      new Map(
        [...this.#labelPrompts, ...everyday].map((prompt) => [
          prompt,
          {
            queryKey: ['prompt', encoder.modelKey, encoder.precision, prompt],
            queryFn: ({ signal }) => embed(prompt, signal),
          },
        ]),
      ),
    );
  }

  readonly #onPhoto = (id: string, outcome: Outcome<PhotoVector>): void => {
    const first = this.#results.size === 0;
    if ('error' in outcome) {
      this.#results.set(id, { state: 'failed', reason: outcome.error.message });
      this.#tell();
      return;
    }
    if (outcome.data.ms !== null) {
      this.#pace.push(outcome.data.ms);
      if (this.#pace.length > PACE_OVER) this.#pace.shift();
    }
    this.#results.set(id, { state: 'ranked', ranking: null });
    if (first) this.#wantPrompts();
    this.#changed.add(id);
    this.#rank();
  };

  readonly #onPrompt = (): void => {
    this.#labelsChanged = true;
    this.#rank();
  };

  /** Ranks what changed, and again for as long as something changes meanwhile. */
  #rank(): void {
    this.#ranking ??= (async () => {
      // Results that arrive together are ranked together.
      await Promise.resolve();
      while (this.#labelsChanged || this.#changed.size > 0) {
        if (this.#labelsChanged) this.#collectLabels();
        const photos = [...this.#changed];
        this.#changed.clear();
        await inSlices(photos, (id) => this.#rankOne(id), { afterSlice: () => this.#tell() });
        this.#tell();
      }
      this.#ranking = null;
    })();
  }

  #collectLabels(): void {
    this.#labelsChanged = false;
    const { labels, photos, templates } = this.#task;
    const vector = (prompt: string) => {
      const outcome = this.#prompts.outcome(prompt);
      return outcome !== undefined && 'data' in outcome ? outcome.data.vector : undefined;
    };
    this.#labels = this.#makeLabels(labels, this.#labelPrompts, vector);
    const everyday = this.#makeEveryday(EVERYDAY_WORDS, this.#everydayPrompts, vector);
    this.#everyday = everyday.labels.length === EVERYDAY_WORDS.length ? everyday : NO_LABELS;

    const truncated = new Set<string>();
    this.#labelProblem = null;
    for (const [i, prompt] of this.#labelPrompts.entries()) {
      const outcome = this.#prompts.outcome(prompt);
      if (outcome === undefined) continue;
      if ('error' in outcome) this.#labelProblem ??= outcome.error.message;
      else if (outcome.data.truncated) truncated.add(labels[Math.floor(i / templates.length)] ?? '');
    }
    if (truncated.size > 0 || this.#truncated.length > 0) this.#truncated = [...truncated];
    for (const { id } of photos) this.#changed.add(id);
  }

  #rankOne(id: string): void {
    const outcome = this.#photos.outcome(id);
    const { encoder } = this.#task;
    if (encoder === null || outcome === undefined || !('data' in outcome)) return;
    const { vector } = outcome.data;
    const everyday = this.#everydayCosines.row(vector, this.#everyday.vectors);
    const cosines = this.#cosines.row(vector, this.#labels.vectors);
    const ranking = rankPhoto(this.#labels, cosines, encoder.logitScale, everyday);
    this.#results.set(id, { state: 'ranked', ranking });
  }

  #tell(): void {
    const { labels, photos } = this.#task;
    let ranked = 0;
    let failed = 0;
    for (const { state } of this.#results.values()) {
      if (state === 'ranked') ranked += 1;
      if (state === 'failed') failed += 1;
    }
    this.#progress = {
      photos: photos.length,
      ranked,
      failed,
      labels: labels.length,
      labelsReady: this.#labels.labels.length,
      truncated: this.#truncated,
      labelProblem: this.#labelProblem,
      msPerPhoto: median(this.#pace),
      version: this.#progress.version + 1,
    };
    for (const listener of this.#listeners) listener();
  }
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? null;
}

// The main view's engine: photographs and words in, rankings out. It stands beside React, because a result that arrives
// concerns one card, not the tree.
//
// A photograph's vector and a label's vector are queries (query-set.ts), keyed by model, precision and content, and know
// nothing of each other: a new label costs its prompts, a new photograph one image. (Prompts are not queries of their own:
// there are thousands, each of which would cost the page's thread, and a prompt's vector is kept on the device.) Ranking is
// arithmetic over what is there, in slices; a cosine once computed is kept for as long as its photograph and its label are.

import type { QueryClient } from '@tanstack/react-query';
import { messageOf } from '../../models/clip/message-of.ts';
import { fillTemplate } from '../../models/clip/prompts.ts';
import { createCosineTable } from '../../models/clip/ranking.ts';
import type { Precision } from '../../models/clip/types.ts';
import type { LabelEmbedding, LabelEmbeddings } from '../inference/types.ts';
import { EVERYDAY_WORDS } from './everyday-words.ts';
import { batchLabels } from './label-batches.ts';
import { collectLabels, type LabelSet, NO_LABELS } from './label-vectors.ts';
import { MAX_PROMPTS, REST_AFTER_BATCH } from './limits.ts';
import { createQuerySet, type Outcome } from './query-set.ts';
import { type Ranking, rankPhoto } from './ranking.ts';
import { inSlices } from './slices.ts';

export interface PhotoVector {
  /** Unit vector. */
  readonly vector: Float32Array<ArrayBuffer>;
  /** Null where the vector was kept from before. */
  readonly ms: number | null;
}

/** What a model offers, be it ready or not; made anew for each. */
export interface Encoder {
  readonly modelKey: string;
  readonly precision: Precision;
  readonly logitScale: number;
  embedPhoto(photo: PhotoToRank, signal: AbortSignal): Promise<PhotoVector>;
  /** One vector for each label, of its prompts. */
  embedLabels(labels: readonly (readonly string[])[], signal: AbortSignal): Promise<LabelEmbeddings>;
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
  /** `ranking` is null where there is no label to rank, or none that has been read yet. */
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

/** A label's prompts, a line each: what its query is known by. */
type PromptsOf = (label: string) => string;

const WAITING: PhotoResult = { state: 'waiting' };
const PACE_OVER = 31;

export class Classifier {
  readonly #photos;
  readonly #labelVectors;
  readonly #listeners = new Set<() => void>();
  #task: Task = { encoder: null, photos: [], labels: [], templates: [] };
  #embedLabel: ((prompts: readonly string[], signal: AbortSignal) => Promise<LabelEmbedding>) | null = null;

  #cosines = createCosineTable();
  #everydayCosines = createCosineTable();
  #labels: LabelSet = NO_LABELS;
  #everyday: LabelSet = NO_LABELS;
  /** Everyday words are encoded once there is a photograph, so that the first answer does not wait for them. */
  #wantsEveryday = false;
  /** The task's, or none where their prompts would be too many. */
  #readLabels: readonly string[] = [];
  #promptsOf: PromptsOf = () => '';
  #everydayPromptsOf: PromptsOf = () => '';
  /** Rises when encoder, labels or templates change: what was collected from others is then worth nothing. */
  #words = 0;
  /** `#words` as it was when `#labels` were collected. */
  #collectedWords = 0;
  /** No batch of prompts is taken up before. */
  #restUntil = 0;
  #collecting: ReturnType<typeof setTimeout> | null = null;

  #wantedPhotos: ReadonlyMap<string, PhotoToRank> = new Map();
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

  readonly #name: string;

  /** @param name of two that rank side by side: what one of them waits for is not the other's to give up */
  constructor(queryClient: QueryClient, name = 'first') {
    this.#name = name;
    this.#photos = createQuerySet<PhotoVector>(queryClient, this.#onPhoto);
    this.#labelVectors = createQuerySet<LabelEmbedding>(queryClient, this.#onLabel);
  }

  /** What is to be ranked from now on; what is not said stays. */
  update(change: Partial<Task>): void {
    const before = this.#task;
    const task = { ...before, ...change };
    this.#task = task;
    const newEncoder = task.encoder !== before.encoder;
    if (newEncoder) this.#changeEncoder(task.encoder);
    if (newEncoder || task.photos !== before.photos) this.#wantPhotos();
    if (newEncoder || task.labels !== before.labels || task.templates !== before.templates) {
      const { labels, templates } = task;
      this.#readLabels = labels.length * templates.length > MAX_PROMPTS ? [] : labels;
      this.#promptsOf = promptsIn(templates);
      this.#everydayPromptsOf = promptsIn(templates.slice(0, 1));
      this.#wantPrompts();
      this.#words += 1;
      // What the visitor just typed waits for nothing.
      this.#restUntil = 0;
      if (this.#collecting !== null) clearTimeout(this.#collecting);
      this.#collecting = null;
      this.#labelsChanged = true;
    }
    void this.#rank();
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
    this.#retryPhoto(id);
    this.#tell();
  }

  /** Tries again everything that failed. */
  retryAll(): void {
    for (const [id, { state }] of this.#results) if (state === 'failed') this.#retryPhoto(id);
    void inSlices(this.#readLabels, (label) => {
      const prompts = this.#promptsOf(label);
      const outcome = this.#labelVectors.outcome(prompts);
      if (outcome !== undefined && 'error' in outcome) this.#labelVectors.retry(prompts);
    });
    this.#labelsChanged = true;
    void this.#rank();
    this.#tell();
  }

  #retryPhoto(id: string): void {
    this.#results.delete(id);
    this.#photos.retry(id);
    // What failed may have been the ranking, of a vector that is here: nothing else would try that again.
    this.#changed.add(id);
    void this.#rank();
  }

  #changeEncoder(encoder: Encoder | null): void {
    // Vectors of different models or precisions never meet.
    this.#photos.clear();
    this.#labelVectors.clear();
    this.#cosines = createCosineTable();
    this.#everydayCosines = createCosineTable();
    this.#labels = NO_LABELS;
    this.#everyday = NO_LABELS;
    this.#wantsEveryday = false;
    this.#results.clear();
    this.#pace.length = 0;
    this.#embedLabel = encoder && batchLabels((labels, signal) => encoder.embedLabels(labels, signal));
  }

  #wantPhotos(): void {
    const { encoder, photos } = this.#task;
    const wanted = new Map(photos.map((photo) => [photo.id, photo]));
    this.#wantedPhotos = wanted;
    for (const id of [...this.#results.keys()]) if (!wanted.has(id)) this.#results.delete(id);
    if (encoder === null) return;
    this.#photos.want(wanted.keys(), (id) => ({
      queryKey: ['image', this.#name, encoder.modelKey, encoder.precision, id],
      queryFn: ({ signal }) => {
        // Not from `wanted`: a query lives as long as its photograph, and would keep the list of a moment ago as long.
        const photo = this.#wantedPhotos.get(id);
        if (photo === undefined) throw new Error('This photograph was removed meanwhile.');
        return encoder.embedPhoto(photo, signal);
      },
    }));
  }

  #wantPrompts(): void {
    const { encoder } = this.#task;
    const embed = this.#embedLabel;
    if (encoder === null || embed === null) return;
    const everyday = this.#wantsEveryday ? EVERYDAY_WORDS : [];
    const prompts = promptsOfEach([
      [this.#readLabels, this.#promptsOf],
      [everyday, this.#everydayPromptsOf],
    ]);
    this.#labelVectors.want(prompts, (lines) => ({
      queryKey: ['label', this.#name, encoder.modelKey, encoder.precision, lines],
      queryFn: ({ signal }) => embed(lines.split('\n'), signal),
    }));
  }

  readonly #onPhoto = (id: string, outcome: Outcome<PhotoVector>): void => {
    if (!this.#wantedPhotos.has(id)) return;
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
    if (!this.#wantsEveryday) {
      this.#wantsEveryday = true;
      this.#wantPrompts();
    }
    this.#changed.add(id);
    void this.#rank();
  };

  readonly #onLabel = (): void => {
    this.#collecting ??= setTimeout(
      () => {
        this.#collecting = null;
        this.#labelsChanged = true;
        const began = performance.now();
        const rest = () => {
          const ended = performance.now();
          this.#restUntil = ended + REST_AFTER_BATCH * (ended - began);
        };
        void this.#rank().finally(rest);
      },
      Math.max(0, this.#restUntil - performance.now()),
    );
  };

  /** Ranks what changed, and again for as long as something changes meanwhile. */
  #rank(): Promise<void> {
    this.#ranking ??= this.#rankChanged();
    return this.#ranking;
  }

  async #rankChanged(): Promise<void> {
    // Results that arrive together are ranked together.
    await Promise.resolve();
    try {
      while (this.#labelsChanged || this.#changed.size > 0) {
        if (this.#labelsChanged) await this.#collectLabels();
        const rankNext = (id: string) => {
          this.#changed.delete(id);
          this.#rankOne(id);
        };
        await inSlices([...this.#changed], rankNext, { afterSlice: () => this.#tell() });
        this.#tell();
      }
    } finally {
      this.#ranking = null;
    }
  }

  async #collectLabels(): Promise<void> {
    this.#labelsChanged = false;
    const words = this.#words;
    const { labels, templates } = this.#task;
    const truncated: string[] = [];
    let problem = this.#readLabels === labels ? null : tooMany(labels.length, templates.length);
    const found = await collectLabels(this.#readLabels, (label) => {
      const outcome = this.#labelVectors.outcome(this.#promptsOf(label));
      if (outcome === undefined) return null;
      if ('error' in outcome) {
        problem ??= outcome.error.message;
        return null;
      }
      if (outcome.data.truncated) truncated.push(label);
      return outcome.data.vector;
    });
    const everyday = await collectLabels(EVERYDAY_WORDS, (word) => {
      const outcome = this.#labelVectors.outcome(this.#everydayPromptsOf(word));
      return outcome !== undefined && 'data' in outcome ? outcome.data.vector : null;
    });
    if (words !== this.#words) return;
    this.#collectedWords = words;
    this.#labels = found;
    this.#everyday = everyday.labels.length === EVERYDAY_WORDS.length ? everyday : NO_LABELS;
    this.#labelProblem = problem;
    if (truncated.length > 0 || this.#truncated.length > 0) this.#truncated = truncated;
    for (const { id } of this.#task.photos) this.#changed.add(id);
  }

  #rankOne(id: string): void {
    const outcome = this.#photos.outcome(id);
    const { encoder } = this.#task;
    if (encoder === null || outcome === undefined || !('data' in outcome)) return;
    if (!this.#wantedPhotos.has(id)) return;
    const { vector } = outcome.data;
    try {
      const everyday = this.#everydayCosines.row(vector, this.#everyday.vectors);
      const cosines = this.#cosines.row(vector, this.#labels.vectors);
      const ranking = rankPhoto(this.#labels, cosines, encoder.logitScale, everyday);
      this.#results.set(id, { state: 'ranked', ranking });
    } catch (error) {
      // A damaged vector is its photograph's trouble, not the others'.
      const reason = messageOf(error);
      this.#results.set(id, { state: 'failed', reason });
    }
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
      // As many labels as before, or other templates: the rankings that are still there are not those of the task.
      labelsReady: this.#collectedWords === this.#words ? this.#labels.labels.length : 0,
      truncated: this.#truncated,
      labelProblem: this.#labelProblem,
      msPerPhoto: median(this.#pace),
      version: this.#progress.version + 1,
    };
    for (const listener of this.#listeners) listener();
  }
}

/** A label's prompts, made when they are first asked for: all of them at once would be a long task. */
function promptsIn(templates: readonly string[]): PromptsOf {
  const made = new Map<string, string>();
  return (label) => {
    let prompts = made.get(label);
    if (prompts === undefined) {
      prompts = templates.map((template) => fillTemplate(template, label)).join('\n');
      made.set(label, prompts);
    }
    return prompts;
  };
}

function* promptsOfEach(lists: readonly (readonly [readonly string[], PromptsOf])[]): Generator<string> {
  for (const [labels, promptsOf] of lists) for (const label of labels) yield promptsOf(label);
}

function tooMany(labels: number, templates: number): string {
  const count = (n: number) => n.toLocaleString('en');
  return (
    `${count(labels)} labels in ${count(templates)} templates are ${count(labels * templates)} prompts; ` +
    `${count(MAX_PROMPTS)} is the most. Take out labels or templates.`
  );
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? null;
}

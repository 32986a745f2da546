// What client.ts and worker.ts say to each other over comlink. Types only. A worker lives for one attempt: one build of the
// runtime, one model. Every other attempt gets a worker of its own, because a runtime that hung, lost its device or failed a
// self-test cannot be started over, and because ending a worker is the one sure way to give its memory back.

import type { Attempt, Plan } from './plan.ts';
import type {
  ImageEmbedding,
  KnownModel,
  LabelEmbeddings,
  LoadProgress,
  LoadRequest,
  ModelPlace,
  ModelReport,
  PassedOver,
} from './types.ts';

export type WorkerEvent =
  | { readonly kind: 'progress'; readonly progress: LoadProgress }
  | { readonly kind: 'known'; readonly model: KnownModel }
  | { readonly kind: 'device-lost'; readonly reason: string };

/** The report but for what was tried in other workers. */
export type OpenReport = Omit<ModelReport, 'passedOver'>;

/**
 * A device that does not start or fails the self-test is no error: the next is tried. So it is with files that cannot be had:
 * the next device may do with others, and those may be kept here.
 */
export type OpenResult =
  | { readonly opened: OpenReport }
  | { readonly passedOver: PassedOver; readonly why: 'device' | 'download' };

export interface WorkerApi {
  /** Call first. `listener` is a comlink proxy: what it returns settles when the page has heard. */
  listen(listener: (event: WorkerEvent) => unknown): void;
  plan(request: LoadRequest, gpuLost: string | null): Promise<Plan>;
  open(place: ModelPlace, attempt: Attempt): Promise<OpenResult>;
  /** `id` names the request for `cancel`. */
  embedImage(id: number, photo: Blob, name: string): Promise<ImageEmbedding>;
  embedLabels(id: number, labels: readonly (readonly string[])[]): Promise<LabelEmbeddings>;
  keptOffline(): Promise<boolean>;
  cancel(id: number): void;
}

// What the page and the inference worker say to each other. Types only, so that neither thread pulls in the other's code.

import type { Precision } from '../../models/clip/types.ts';

export type Backend = 'webgpu' | 'wasm';

/** A device that was tried before the one in use, and why it was passed over; shown in the bar at the top. */
export interface PassedOver {
  readonly backend: Backend;
  readonly precision: Precision;
  /** One sentence for a person. */
  readonly reason: string;
  /** It was tried with this model, now or lately, and did not run or computed wrongly; false where there was nothing to try. */
  readonly failed: boolean;
}

/** What a model is, wherever it runs: enough to use the vectors that it gave before. */
export interface KnownModel {
  /** The folder's name, such as `promptlens-mini`. */
  readonly model: string;
  /** Identifies vectors: a hash of the files that they come from, and our pipeline's version. Part of every cache key. */
  readonly modelKey: string;
  readonly precision: Precision;
  /** exp of the trained logarithm; multiplies a cosine before the softmax. */
  readonly logitScale: number;
  /** Null where config.json does not say. */
  readonly embedDim: number | null;
  readonly contextLength: number;
}

/** What runs where, once a model is loaded. */
export interface ModelReport extends KnownModel {
  readonly backend: Backend;
  /** The GPU as its adapter names it; null on WASM. */
  readonly adapter: string | null;
  /** 1 where the page is not cross-origin isolated. */
  readonly threads: number;
  /** Of the folder in each of its precisions, for what was found out about those that were passed over. */
  readonly modelKeys: ReadonlyMap<Precision, string>;
  /** Null where nothing was to be compared with; `madeOnDevice` as in selftest.json. */
  readonly selfTest: { readonly cosine: number; readonly madeOnDevice: boolean } | null;
  readonly passedOver: readonly PassedOver[];
}

export interface LoadProgress {
  readonly loadedBytes: number;
  /** Known from the manifest and the runtime's own size before the first byte. */
  readonly totalBytes: number;
  readonly stage: 'download' | 'compile' | 'self-test';
}

export interface LoadEvents {
  readonly onProgress: (progress: LoadProgress) => void;
  /**
   * The model's folder was read: from now on photographs and prompts can be asked for, and wait until the device is ready.
   * Null when that is over, just before what waits rejects: the device that was tried is given up, and the next may follow;
   * the device is lost; another load takes this one's place, and says so itself.
   */
  readonly onKnown: (model: KnownModel | null) => void;
}

/** Where a model folder lies. */
export type ModelPlace =
  /** Absolute address of the folder, with a slash at its end. */
  | { readonly on: 'site'; readonly url: string }
  /** One that the visitor added: app/storage/device-models.ts. */
  | { readonly on: 'device'; readonly id: string };

/** What the visitor chose. */
export interface ModelChoice {
  /** As place.ts reads it. */
  readonly model: string;
  /** `auto`: what suits the device best. */
  readonly precision: 'auto' | Precision;
}

export interface LoadRequest {
  readonly place: ModelPlace;
  /** Tried first; the folder's others follow where it does not run. */
  readonly precision: 'auto' | Precision;
  readonly backend: 'auto' | Backend;
  /** Software adapters are taken only when asked for, as the tests do. */
  readonly allowSoftwareAdapter: boolean;
}

export interface ImageEmbedding {
  /** Unit vector. */
  readonly vector: Float32Array<ArrayBuffer>;
  /** Milliseconds from bytes to vector, its share of a batch. */
  readonly ms: number;
}

export interface PromptEmbeddings {
  /** One unit vector a prompt, in the order of the request. */
  readonly vectors: readonly Float32Array<ArrayBuffer>[];
  /** Prompts that were longer than the context and lost their tail. */
  readonly truncated: readonly boolean[];
}

/** A label's prompts as one vector. */
export interface LabelEmbedding {
  /** Unit vector: the mean of its prompts' unit vectors, made one long again. */
  readonly vector: Float32Array<ArrayBuffer>;
  /** True where at least one prompt lost its tail at the context's end. */
  readonly truncated: boolean;
}

export interface LabelEmbeddings {
  /** One a label, in the order of the request. */
  readonly labels: readonly LabelEmbedding[];
  /** The prompts that the text tower ran for; the others' vectors were kept on this device. */
  readonly encoded: readonly string[];
}

/** The page's end of the bridge; `createInferenceClient()` in client.ts makes one and starts the worker lazily. */
export interface InferenceClient {
  /** The worker of the model before is ended: its memory goes back to the system, and what waits for it rejects. */
  load(request: LoadRequest, events?: Partial<LoadEvents>): Promise<ModelReport>;
  /** Ends the worker: its memory goes back to the system, and what waits for it rejects. */
  close(): void;
  /** Decodes, preprocesses and encodes one photograph. Rejects with a sentence for a person (`name` is `AbortError` after an abort). */
  embedImage(photo: Blob, name: string, signal?: AbortSignal): Promise<ImageEmbedding>;
  /**
   * One vector for each label, whose prompts `labels` holds. Vectors of prompts stay on the worker's side of the bridge, where
   * they are kept from visit to visit: a thousand labels in eighty templates would be more than the page's thread can carry.
   */
  embedLabels(labels: readonly (readonly string[])[], signal?: AbortSignal): Promise<LabelEmbeddings>;
  /**
   * Resolves, some seconds after `load`, to whether model and runtime are kept on this device, so that the page works with the
   * network off: false where the disk is full.
   */
  keptOffline(): Promise<boolean>;
  /**
   * Called when the device is lost after loading: every later request rejects until `load` is called again. Returns the
   * function that ends it.
   */
  onDeviceLost(listener: (reason: string) => void): () => void;
}

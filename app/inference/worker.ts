// The inference worker: all decoding, preprocessing and encoding happens here, off the page's thread. worker-api.ts says
// what it answers, engine.ts what it does.

import { expose, transfer } from 'comlink';
import { encoderBytes, precisionsOf } from '../../models/clip/encoder-files.ts';
import { SELF_TEST } from '../../models/clip/selftest.ts';
import { openVectors, type VectorSpace } from '../storage/vectors.ts';
import { findAdapter } from './adapter.ts';
import { DownloadError } from './download.ts';
import type { Engine } from './engine.ts';
import { embedLabels, keptPrompts } from './label-embeddings.ts';
import { openModelSource } from './model-source.ts';
import { type OpenedModel, openModel } from './open-model.ts';
import { planAttempts } from './plan.ts';
import { createProgressMeter } from './progress.ts';
import { turnOfTheEventLoop } from './queue.ts';
import { quiet } from './quiet.ts';
import { noteRefusal, passOverRefused, type RefusingModel } from './refusals.ts';
import type { ModelSource } from './remote-folder.ts';
import type { KnownModel, ModelPlace } from './types.ts';
import type { WorkerApi, WorkerEvent } from './worker-api.ts';

let tell: (event: WorkerEvent) => unknown = () => {};
/** The model that answers, and the space in which its vectors can be compared. */
let answering: { readonly engine: Engine; readonly space: VectorSpace } | null = null;
let keptOffline: Promise<boolean> | null = null;
/** Asked for once: plan and attempt see the same manifest. */
let source: Promise<ModelSource> | null = null;
const progress = createProgressMeter((now) => void tell({ kind: 'progress', progress: now }));
const running = new Map<number, AbortController>();
/** Looks under way for labels that this device has kept. */
const looks = new Set<Promise<unknown>>();

/** In ms. A page that has heard which model it is has drawn itself and asked for its labels by then. */
const TIME_TO_ASK = 30;

/** What can be answered without the device is answered before its start, which holds this thread. */
async function answerFromKept(model: KnownModel): Promise<void> {
  await tell({ kind: 'known', model });
  await new Promise((resolve) => setTimeout(resolve, TIME_TO_ASK));
  await Promise.allSettled(looks);
  await turnOfTheEventLoop();
}

/** Runs one request of the page with a signal that `cancel` fires. */
async function cancellable<Value>(
  id: number,
  work: (signal: AbortSignal, engine: Engine, space: VectorSpace) => Promise<Value>,
): Promise<Value> {
  if (answering === null) throw new Error('No model is loaded yet.');
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const { engine, space } = answering;
    return await quiet.during(() => work(controller.signal, engine, space));
  } finally {
    running.delete(id);
  }
}

function sourceAt(place: ModelPlace): Promise<ModelSource> {
  source ??= openModelSource(place, progress.add);
  return source;
}

async function refusing(place: ModelPlace): Promise<RefusingModel> {
  return { place, files: await (await sourceAt(place)).list() };
}

const api: WorkerApi = {
  listen(listener) {
    tell = listener;
  },

  async plan(request, gpuLost) {
    const [adapter, folder] = await Promise.all([
      request.backend === 'wasm' ? { absent: 'It was not asked for.' } : findAdapter(),
      sourceAt(request.place),
    ]);
    const files = await folder.list();
    const plan = planAttempts({
      wanted: request.backend,
      precision: request.precision,
      allowSoftwareAdapter: request.allowSoftwareAdapter,
      adapter,
      gpuLost,
      jspi: 'Suspending' in WebAssembly,
      isolated: self.crossOriginIsolated,
      cores: navigator.hardwareConcurrency,
      encoderBytes: new Map(precisionsOf(files).map((each) => [each, encoderBytes(files, each)])),
      onDevice: request.place.on === 'device',
      hasSelfTest: files.some(({ path }) => path === SELF_TEST),
    });
    return request.backend === 'auto' ? passOverRefused(plan, await refusing(request.place)) : plan;
  },

  async open(place, attempt) {
    const { backend, precision } = attempt;
    let model: OpenedModel;
    try {
      model = await openModel(await sourceAt(place), attempt, progress, (known, engine) => {
        answering = { engine, space: known };
        return answerFromKept(known);
      });
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      return { passedOver: { backend, precision, reason: error.message, failed: false }, why: 'download' };
    }
    if ('refused' in model) {
      await noteRefusal(await refusing(place), attempt, model.refused);
      return { passedOver: { backend, precision, reason: model.refused, failed: true }, why: 'device' };
    }
    ({ keptOffline } = model);
    void model.deviceLost?.then((reason) => tell({ kind: 'device-lost', reason }));
    return { opened: model.report };
  },

  async embedImage(id, photo, name) {
    const embedding = await cancellable(id, (signal, engine) => engine.embedImage(photo, name, signal));
    return transfer(embedding, [embedding.vector.buffer]);
  },

  async embedLabels(id, labels) {
    const embeddings = await cancellable(id, (signal, engine, space) => {
      const look = keptPrompts(space, labels);
      looks.add(look);
      void look.finally(() => looks.delete(look)).catch(() => {});
      return embedLabels(engine, space, labels, signal, look);
    });
    return transfer(
      embeddings,
      embeddings.labels.map(({ vector }) => vector.buffer),
    );
  },

  async keptOffline() {
    if (keptOffline === null) throw new Error('No model is loaded yet.');
    return keptOffline;
  },

  cancel(id) {
    running.get(id)?.abort();
  },
};

// Labels that are kept from before are asked for in the moment between a model's being known and its start.
openVectors();

expose(api);

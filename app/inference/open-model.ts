// One attempt to bring a model up on one device: the runtime's and the folder's files side by side, then the sessions, then
// the self-test. Files that cannot be had (DownloadError), or a folder that contradicts itself, are errors; whatever goes wrong
// after that is the device's.

import { parseJson } from '../../models/clip/checked.ts';
import { encoderBytes } from '../../models/clip/encoder-files.ts';
import { modelKeyOf, modelKeysOf } from '../../models/clip/manifest.ts';
import { messageOf } from '../../models/clip/message-of.ts';
import { readModelFolder } from '../../models/clip/model-folder.ts';
import { parseSelfTest, SELF_TEST } from '../../models/clip/selftest.ts';
import type { FolderFile } from '../../models/clip/types.ts';
import { forgetUnneededFiles, whileUsingFiles } from '../storage/model-files.ts';
import { decodeImage } from './decode.ts';
import { createEncoders } from './encoders.ts';
import { createEngine, type Engine } from './engine.ts';
import { keepAtOnce, obtain, recordRuntime } from './kept-files.ts';
import type { Attempt } from './plan.ts';
import type { ProgressMeter } from './progress.ts';
import { readEncoder } from './read-encoder.ts';
import type { ModelSource } from './remote-folder.ts';
import { dropWasm, importRuntime, type Runtime, runtimeFile, setWasm } from './runtime.ts';
import { runSelfTest } from './self-test-run.ts';
import type { Backend, KnownModel } from './types.ts';
import type { OpenReport } from './worker-api.ts';

export type OpenedModel =
  | {
      readonly report: OpenReport;
      readonly deviceLost: Promise<string> | null;
      /** Settles later than the model answers. */
      readonly keptOffline: Promise<boolean>;
    }
  | { readonly refused: string };

/**
 * Photographs in one run. WASM gains next to nothing from more, and in q8 they would share the scales of what goes into a product: alone a
 * photograph is nearer to fp32, and its vector does not depend on which others it came with. A GPU is idle with fewer.
 */
const MAX_BATCH = { wasm: 1, webgpu: 16 } as const satisfies Record<Backend, number>;

/**
 * Called when the folder has been read, with the engine that will answer once the device is ready. The device's start, which
 * holds this thread, waits for it.
 */
export type OnKnown = (model: KnownModel, engine: Engine) => Promise<void>;

export function openModel(
  source: ModelSource,
  attempt: Attempt,
  progress: ProgressMeter,
  onKnown: OnKnown,
): Promise<OpenedModel> {
  return new Promise((resolve, reject) => {
    whileUsingFiles(async () => {
      try {
        const model = await open(source, attempt, progress, onKnown);
        if ('refused' in model) await keepAtOnce();
        resolve(model);
        if ('refused' in model) return false;
        await Promise.allSettled([model.keptOffline]);
        return true;
      } catch (error) {
        await keepAtOnce();
        throw error;
      }
    }).then((opened) => {
      // What came for a refused attempt is in no record, and there for the next one.
      if (opened) void forgetUnneededFiles();
    }, reject);
  });
}

async function open(
  source: ModelSource,
  attempt: Attempt,
  progress: ProgressMeter,
  onKnown: OnKnown,
): Promise<OpenedModel> {
  const { backend, precision } = attempt;
  const wasm = runtimeFile(attempt.build);
  const files = await source.list();
  progress.expect(wasm.bytes + bytesToRead(files, attempt));

  const readFolder = async () => {
    const folder = await readModelFolder(source);
    const known: KnownModel = {
      model: folder.name,
      modelKey: await modelKeyOf(files, precision),
      precision,
      logitScale: folder.logitScale,
      embedDim: folder.config.projection_dim ?? null,
      contextLength: folder.tokenizer.contextLength,
    };
    const engine = createEngine({
      tokenizer: folder.tokenizer,
      preprocessing: folder.preprocessing,
      decode: decodeImage,
      maxBatch: MAX_BATCH[backend],
    });
    await onKnown(known, engine);
    return { folder, known, engine };
  };

  // In the order in which they are worked on.
  const [{ folder, known, engine }, selfTestFile, runtime, runtimeBinary, vision_model, text_model] =
    await Promise.all([
      readFolder(),
      files.some(({ path }) => path === SELF_TEST) ? source.read(SELF_TEST) : null,
      importRuntime(attempt.build),
      obtain(wasm, progress.add),
      readEncoder(source, files, 'vision_model', precision),
      readEncoder(source, files, 'text_model', precision),
    ]);

  try {
    const selfTest = selfTestFile && parseSelfTest(parseJson(selfTestFile, SELF_TEST), SELF_TEST);
    if (backend === 'webgpu' && selfTest?.vectors[precision] === undefined) {
      return { refused: `${SELF_TEST} has no vectors for ${precision} to check a GPU's answers with.` };
    }
    progress.stage('compile');
    setWasm(runtime, runtimeBinary.bytes, attempt.threads);
    const encoders = await createEncoders(runtime, attempt, folder, { vision_model, text_model });
    progress.stage('self-test');
    const cosine = selfTest && (await runSelfTest(selfTest, folder, attempt, encoders));
    engine.start(encoders);
    const runtimeKept = recordRuntime(wasm, runtimeBinary.kept).finally(() =>
      dropWasm(runtime, runtimeBinary.bytes),
    );
    const keptOffline = Promise.all([runtimeKept, source.keepRecord()]).then((kept) => kept.every(Boolean));
    return {
      report: {
        ...known,
        modelKeys: await modelKeysOf(files),
        backend,
        adapter: attempt.adapter,
        threads: runtime.env.wasm.numThreads ?? 1,
        selfTest: cosine === null ? null : { cosine, madeOnDevice: selfTest?.madeOnDevice === true },
      },
      deviceLost: backend === 'webgpu' ? deviceLoss(runtime) : null,
      keptOffline,
    };
  } catch (error) {
    return { refused: messageOf(error) };
  }
}

/** What `readModelFolder`, the self-test and the sessions read between them. */
function bytesToRead(files: readonly FolderFile[], { precision }: Attempt): number {
  const tokenizer = files.some(({ path }) => path === 'tokenizer.json')
    ? ['tokenizer.json']
    : ['vocab.json', 'merges.txt'];
  const read = new Set([
    'config.json',
    'preprocessor_config.json',
    'tokenizer_config.json',
    ...tokenizer,
    SELF_TEST,
  ]);
  return files.reduce(
    (total, { path, bytes }) => total + (read.has(path) ? bytes : 0),
    encoderBytes(files, precision),
  );
}

/** Resolves to a sentence when the GPU goes away: a driver's update or crash, too little memory, a long sleep. */
async function deviceLoss(runtime: Runtime): Promise<string> {
  const device = await runtime.env.webgpu.device;
  await device.lost;
  return 'The GPU stopped working for this page.';
}

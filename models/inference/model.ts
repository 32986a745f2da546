// A model folder's two encoders as sessions of onnxruntime-node, as app/inference has them in the page: pictures and texts in,
// unit vectors out, in the order they came. An encoder is read, checked against the manifest and compiled at its first use, so
// that whoever embeds texts never loads the vision model.
//
//   const model = await openModel('public/models/promptlens-mini', { precision: 'q8' });
//   const [cat] = await model.embedTexts(['a photo of a cat.']);
//   await model.close();

import { lstat, realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { checkEncoder } from '../clip/check-encoder.ts';
import { bindEncoder, type EncoderBinding, textInputs } from '../clip/encoder-binding.ts';
import { encoderPath } from '../clip/encoder-files.ts';
import { messageOf } from '../clip/message-of.ts';
import { type ModelFolder, readModelFolder } from '../clip/model-folder.ts';
import { imageSize, preprocess } from '../clip/preprocess.ts';
import { normalize } from '../clip/ranking.ts';
import type { Encoder, PixelSource, Precision, Preprocessing, RgbImage, Tokenizer } from '../clip/types.ts';
import { directorySource } from '../files/folder.ts';
import { verifyOnDisk } from '../files/hash-file.ts';

/** Pictures in one run: enough to fill two cores, and 19 MB of pixel_values at 224 px. */
export const IMAGES_PER_RUN = 32;
/**
 * One scale holds for all numbers that go into a product of 8 bits: a picture alone is nearer to fp32, and its vector does not depend on
 * which others it came with. Texts come by the hundred and stay together: which others one came with moves it by 0.0003 in cosine at most.
 */
const EIGHT_BITS: ReadonlySet<Precision> = new Set(['q8', 'int8', 'uint8']);
/** The buffers' mode holds for all sessions of a process, whichever is opened first, and training needs this one. */
const GPU = { name: 'webgpu', storageBufferCacheMode: 'simple' } as const;
/** Prompts times the longest of them in one run; 53 prompts of CLIP's full 77 tokens. */
const TOKENS_PER_RUN = 4096;

export interface OpenOptions {
  /** fp32 where the folder has it, otherwise the first that it has. */
  readonly precision?: Precision;
  /** All logical cores by default. */
  readonly threads?: number;
  /** What the encoders run on: ONNX Runtime's CPU kernels by default, or a GPU through its WebGPU provider. */
  readonly device?: 'cpu' | 'webgpu';
}

export type UnitVector = Float32Array<ArrayBuffer>;

/** What evaluation needs of a model, wherever its weights are: a folder's sessions here, a training run elsewhere. */
export interface Embedder {
  readonly preprocessing: Preprocessing;
  readonly tokenizer: Tokenizer;
  /** `pixelValues`: [count, 3, height, width], as `preprocess` writes them. */
  embedPixelValues(pixelValues: Float32Array<ArrayBuffer>, count: number): Promise<UnitVector[]>;
  /** A text that occurs twice is encoded once. Texts are cut at the context length; the tokenizer tells which. */
  embedTexts(texts: readonly string[]): Promise<UnitVector[]>;
}

export interface NodeModel extends Embedder {
  readonly folder: ModelFolder;
  readonly precision: Precision;
  embedImages(images: readonly (RgbImage | PixelSource)[]): Promise<UnitVector[]>;
  close(): Promise<void>;
}

/** Opens a model folder; rejects with a sentence where it, or the precision asked for, is not there. */
export async function openModel(path: string, options: OpenOptions = {}): Promise<NodeModel> {
  const { threads = availableParallelism(), device = 'cpu' } = options;
  const folder = await readModelFolder(directorySource(path));
  const precision = options.precision ?? folder.precisions[0];
  if (!folder.precisions.includes(precision)) {
    throw new Error(
      `The model ${path} has no encoders in ${precision}; it has ${folder.precisions.join(', ')}. ` +
        `\`npm run -s export -- --model ${path} --precision ${precision}\` makes them.`,
    );
  }

  const opened = new Map<Encoder, Promise<EncoderSession>>();
  const encoder = (name: Encoder) => {
    const known = opened.get(name) ?? openEncoder(path, folder, name, precision, { threads, device });
    opened.set(name, known);
    return known;
  };
  const { preprocessing, tokenizer } = folder;
  const picturesPerRun = EIGHT_BITS.has(precision) ? 1 : IMAGES_PER_RUN;
  const { width, height } = imageSize(preprocessing);
  const pixels = 3 * width * height;

  async function embedPixelValues(
    pixelValues: Float32Array<ArrayBuffer>,
    count: number,
  ): Promise<UnitVector[]> {
    const { run, binding } = await encoder('vision_model');
    const vectors: UnitVector[] = [];
    for (let first = 0; first < count; first += picturesPerRun) {
      const n = Math.min(picturesPerRun, count - first);
      const values = pixelValues.subarray(first * pixels, (first + n) * pixels);
      vectors.push(...(await run({ [binding.input]: new Tensor('float32', values, [n, 3, height, width]) })));
    }
    return vectors;
  }

  return {
    folder,
    precision,
    preprocessing,
    tokenizer,
    embedPixelValues,

    async embedImages(images) {
      const vectors: UnitVector[] = [];
      for (let first = 0; first < images.length; first += IMAGES_PER_RUN) {
        const batch = images.slice(first, first + IMAGES_PER_RUN);
        const values = new Float32Array(batch.length * pixels);
        for (const [i, image] of batch.entries()) preprocess(image, preprocessing, values, i * pixels);
        vectors.push(...(await embedPixelValues(values, batch.length)));
      }
      return vectors;
    },

    async embedTexts(texts) {
      const { run, binding } = await encoder('text_model');
      const vectors = new Map<string, UnitVector>();
      const lengthOf = (text: string) => binding.sequence ?? tokenizer.encode(text).ids.length;
      for (const batch of batchesOfSimilarLength(texts, lengthOf)) {
        const inputs = textInputs(binding, tokenizer.encodeBatch(batch), tokenizer.padTokenId);
        const encoded = await run(
          Object.fromEntries(
            Object.entries(inputs).map(([name, { data, dims }]) => [name, new Tensor('int64', data, dims)]),
          ),
        );
        for (const [i, text] of batch.entries()) vectors.set(text, encoded[i]);
      }
      return texts.map((text) => {
        const vector = vectors.get(text);
        if (!vector) throw new Error(`The text ${JSON.stringify(text)} was not encoded.`);
        return vector;
      });
    },

    async close() {
      const sessions = await Promise.allSettled(opened.values());
      opened.clear();
      for (const session of sessions) if (session.status === 'fulfilled') await session.value.release();
    },
  };
}

interface EncoderSession {
  readonly binding: EncoderBinding;
  /** Unit vectors, one a row of the batch. */
  run(feeds: Record<string, Tensor>): Promise<UnitVector[]>;
  release(): Promise<void>;
}

async function openEncoder(
  path: string,
  folder: ModelFolder,
  encoder: Encoder,
  precision: Precision,
  { threads, device }: Required<Pick<OpenOptions, 'threads' | 'device'>>,
): Promise<EncoderSession> {
  const file = encoderPath(encoder, precision);
  const graph = join(path, file);
  // Read only to be checked: the runtime reads graph and external data itself, and knows by the graph's place where that is.
  const { dataFiles } = checkEncoder(folder, encoder, precision, await folder.read(file));
  for (const data of dataFiles) {
    await refuseLinkedData(graph, join(path, data.path));
    if (folder.manifest) await verifyOnDisk(path, data.path, folder.manifest);
  }
  const options: InferenceSession.SessionOptions = {
    executionProviders: device === 'cpu' ? ['cpu'] : [GPU],
    intraOpNumThreads: threads,
    enableMemPattern: false, // saves half the memory and costs no time
    extra: { session: { intra_op: { allow_spinning: '0' } } }, // waiting threads leave the cores to others
    logSeverityLevel: 3, // errors; warnings are about the graph's style
  };
  const session = await InferenceSession.create(graph, options).catch((error: unknown) => {
    const reason = messageOf(error);
    throw new Error(`${graph} could not be loaded by onnxruntime: ${reason}`, { cause: error });
  });
  const binding = await bind(session, encoder, folder, graph);
  const stated = folder.config.projection_dim;

  return {
    binding,
    async run(feeds) {
      const { [binding.output]: result } = await session.run(feeds, [binding.output]);
      const { data, dims } = result;
      const [rows, dim] = dims;
      if (!(data instanceof Float32Array) || dims.length !== 2 || dim !== (stated ?? dim)) {
        throw new Error(
          `${graph} gave ${binding.output} as ${result.type} [${dims}]; float32 [batch, ${stated ?? 'width'}] was expected${stated == null ? '' : ", as config.json's projection_dim says"}.`,
        );
      }
      return Array.from({ length: rows }, (_, row) => normalize(data.subarray(row * dim, (row + 1) * dim)));
    },
    release: () => session.release(),
  };
}

/** A session that cannot be used does not stay in memory. */
async function bind(
  session: InferenceSession,
  encoder: Encoder,
  folder: ModelFolder,
  graph: string,
): Promise<EncoderBinding> {
  try {
    return bindEncoder(encoder, session, folder);
  } catch (error) {
    await session.release();
    throw new Error(`${graph} was refused: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * A link can lead out of the folder, to whatever this program may read. A hub's cache, where the graph is a link too, keeps both
 * in one folder elsewhere.
 */
async function refuseLinkedData(graph: string, data: string): Promise<void> {
  const isLink = async (path: string) => (await lstat(path)).isSymbolicLink();
  if (!(await isLink(data))) return;
  const [realGraph, realData] = await Promise.all([realpath(graph), realpath(data)]);
  if ((await isLink(graph)) && dirname(realGraph) === dirname(realData)) return;
  throw new Error(
    `${data} was refused: it is a link to ${realData}; a file beside the graph was expected. Copy it there.`,
  );
}

/** Distinct texts, those of similar length together, since a batch costs as much as if all its texts had the longest's length. */
function batchesOfSimilarLength(texts: readonly string[], lengthOf: (text: string) => number): string[][] {
  const distinct = Array.from(new Set(texts), (text) => ({ text, length: lengthOf(text) }));
  distinct.sort((a, b) => a.length - b.length);
  const batches: string[][] = [];
  let batch: string[] = [];
  for (const { text, length } of distinct) {
    if (batch.length > 0 && (batch.length + 1) * length > TOKENS_PER_RUN) {
      batches.push(batch);
      batch = [];
    }
    batch.push(text);
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}

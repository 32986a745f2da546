// The trained network as training runs it: the graph takes its weights as inputs, so that nothing of what export does to a
// model (weights as constants, folding, lower precision) is in it. What was exported is compared with this.

import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ClipConfig } from '../clip/config.ts';
import { imageSize, preprocess } from '../clip/preprocess.ts';
import { normalize } from '../clip/ranking.ts';
import type { Preprocessing, RgbImage, Tokenizer } from '../clip/types.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import { type Weights, weightsOf } from '../networks/weights.ts';
import type { Graph } from '../onnx/graph.ts';
import { toModel } from '../onnx/model-proto.ts';

export interface Reference {
  /** Unit vectors. */
  embedImages(images: readonly RgbImage[]): Promise<Float32Array[]>;
  embedTexts(texts: readonly string[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

export async function openReference(
  config: ClipConfig,
  weights: Weights,
  { preprocessing, tokenizer }: { preprocessing: Preprocessing; tokenizer: Tokenizer },
  threads: number,
): Promise<Reference> {
  const open = async (graph: Graph) => {
    const parameters = Array.from(graph.parameters.values(), ({ name, shape }) => {
      return [name, new Tensor('float32', weightsOf(weights, name), shape)] as const;
    });
    const session = await InferenceSession.create(toModel(graph), {
      intraOpNumThreads: threads,
      enableMemPattern: false,
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    return { session, parameters: Object.fromEntries(parameters) };
  };
  const vision = await open(visionEncoder(config));
  const text = await open(textEncoder(config)).catch(async (error: unknown) => {
    await vision.session.release();
    throw error;
  });
  const embed = async ({ session, parameters }: typeof vision, feeds: Record<string, Tensor>) => {
    const [{ data }] = Object.values(await session.run({ ...parameters, ...feeds }));
    if (!(data instanceof Float32Array)) throw new Error('The network gave no float32 vector.');
    return normalize(data);
  };
  const { width, height } = imageSize(preprocessing);

  return {
    async embedImages(images) {
      const vectors: Float32Array[] = [];
      for (const image of images) {
        const pixels = preprocess(image, preprocessing);
        vectors.push(
          await embed(vision, { pixel_values: new Tensor('float32', pixels, [1, 3, height, width]) }),
        );
      }
      return vectors;
    },
    async embedTexts(texts) {
      const vectors: Float32Array[] = [];
      for (const prompt of texts) {
        const { input_ids, dims } = tokenizer.encodeBatch([prompt]);
        vectors.push(await embed(text, { input_ids: new Tensor('int64', input_ids, dims) }));
      }
      return vectors;
    },
    async close() {
      await vision.session.release();
      await text.session.release();
    },
  };
}

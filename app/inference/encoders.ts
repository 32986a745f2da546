// A model's two towers as sessions on one device.

import { bindEncoder, type ModelFolder } from '../../models/clip/model-folder.ts';
import { encoderPath } from '../../models/clip/precisions.ts';
import { imageSize } from '../../models/clip/preprocess.ts';
import type { Encoder } from '../../models/clip/types.ts';
import type { Encoders } from './engine.ts';
import type { Attempt } from './plan.ts';
import type { Runtime } from './runtime.ts';
import { createEncoderSession, type Feed } from './session.ts';

export type Graphs = Readonly<Record<Encoder, Uint8Array<ArrayBuffer>>>;

export async function createEncoders(
  runtime: Runtime,
  attempt: Attempt,
  folder: ModelFolder,
  graphs: Graphs,
): Promise<Encoders> {
  const path = (encoder: Encoder) => encoderPath(encoder, attempt.precision);
  // One after the other: the first one starts the runtime. No function here may name `graphs`: those below outlive this one,
  // and would keep what it names.
  const vision = await createEncoderSession(runtime, attempt, graphs.vision_model, path('vision_model'));
  const text = await createEncoderSession(runtime, attempt, graphs.text_model, path('text_model'));
  const image = bindEncoder('vision_model', vision.inputNames, vision.outputNames);
  const prompt = bindEncoder('text_model', text.inputNames, text.outputNames);
  const { width, height } = imageSize(folder.preprocessing);

  return {
    encodeImages: (pixelValues, batch) =>
      vision.run(
        { [image.input]: { type: 'float32', data: pixelValues, dims: [batch, 3, height, width] } },
        image.output,
      ),

    encodeTexts: ({ input_ids, attention_mask, dims }) => {
      const feeds: Record<string, Feed> = { [prompt.input]: { type: 'int64', data: input_ids, dims } };
      if (prompt.takesAttentionMask) feeds.attention_mask = { type: 'int64', data: attention_mask, dims };
      return text.run(feeds, prompt.output);
    },
  };
}

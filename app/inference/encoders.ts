// A model's two towers as sessions on one device.

import { bindEncoder, textInputs } from '../../models/clip/encoder-binding.ts';
import { encoderPath } from '../../models/clip/encoder-files.ts';
import type { ModelFolder } from '../../models/clip/model-folder.ts';
import { imageSize } from '../../models/clip/preprocess.ts';
import type { Encoder } from '../../models/clip/types.ts';
import type { Encoders } from './engine.ts';
import type { Attempt } from './plan.ts';
import type { Runtime } from './runtime.ts';
import { createEncoderSession, type EncoderBytes } from './session.ts';

export type Graphs = Readonly<Record<Encoder, EncoderBytes>>;

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
  const image = bindEncoder('vision_model', vision.signature, folder);
  const prompt = bindEncoder('text_model', text.signature, folder);
  const { width, height } = imageSize(folder.preprocessing);
  const { padTokenId } = folder.tokenizer;

  return {
    encodeImages: (pixelValues, batch) =>
      vision.run({ [image.input]: { data: pixelValues, dims: [batch, 3, height, width] } }, image.output),

    encodeTexts: (prompts) => text.run(textInputs(prompt, prompts, padTokenId), prompt.output),
  };
}

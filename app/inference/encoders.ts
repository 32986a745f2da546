// A model's two towers as sessions on one device.

import { bindEncoder, type EncoderBinding, textInputs } from '../../models/clip/encoder-binding.ts';
import { encoderPath } from '../../models/clip/encoder-files.ts';
import type { ModelFolder } from '../../models/clip/model-folder.ts';
import { imageSize } from '../../models/clip/preprocess.ts';
import type { Encoder } from '../../models/clip/types.ts';
import type { Encoders } from './engine.ts';
import type { Attempt } from './plan.ts';
import type { Runtime } from './runtime.ts';
import { createEncoderSession, type EncoderBytes, type EncoderSession } from './session.ts';

export type Graphs = Readonly<Record<Encoder, EncoderBytes>>;

export type ImageTower = Pick<Encoders, 'encodeImages'> & Pick<EncoderSession, 'release'>;
export type TextTower = Pick<Encoders, 'encodeTexts'> & Pick<EncoderSession, 'release'>;

export async function createEncoders(
  runtime: Runtime,
  attempt: Attempt,
  folder: ModelFolder,
  graphs: Graphs,
): Promise<Encoders> {
  // One after the other: the first one starts the runtime.
  const { encodeImages } = await createImageTower(runtime, attempt, folder, graphs.vision_model);
  const { encodeTexts } = await createTextTower(runtime, attempt, folder, graphs.text_model);
  return { encodeImages, encodeTexts };
}

// No function inside these three may name `graph`: it outlives them, and would keep what it names.

export async function createImageTower(
  runtime: Runtime,
  attempt: Attempt,
  folder: ModelFolder,
  graph: EncoderBytes,
): Promise<ImageTower> {
  const { session, binding } = await createTower('vision_model', runtime, attempt, folder, graph);
  const { input, output } = binding;
  const { width, height } = imageSize(folder.preprocessing);
  return {
    encodeImages: (pixelValues, batch) =>
      session.run({ [input]: { data: pixelValues, dims: [batch, 3, height, width] } }, output),
    release: session.release,
  };
}

export async function createTextTower(
  runtime: Runtime,
  attempt: Attempt,
  folder: ModelFolder,
  graph: EncoderBytes,
): Promise<TextTower> {
  const { session, binding } = await createTower('text_model', runtime, attempt, folder, graph);
  const { padTokenId } = folder.tokenizer;
  return {
    encodeTexts: (prompts) => session.run(textInputs(binding, prompts, padTokenId), binding.output),
    release: session.release,
  };
}

async function createTower(
  encoder: Encoder,
  runtime: Runtime,
  attempt: Attempt,
  folder: ModelFolder,
  graph: EncoderBytes,
): Promise<{ readonly session: EncoderSession; readonly binding: EncoderBinding }> {
  const path = encoderPath(encoder, attempt.precision);
  const session = await createEncoderSession(runtime, attempt, graph, path);
  try {
    return { session, binding: bindEncoder(encoder, session.signature, folder) };
  } catch (error) {
    await session.release();
    throw error;
  }
}

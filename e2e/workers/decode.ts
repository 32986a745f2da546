// Answers a file with its upright pixels and its pixel_values, or with the sentence that refuses it.

import { decodeImage } from '../../app/inference/decode.ts';
import { messageOf } from '../../models/clip/message-of.ts';
import { parsePreprocessorConfig, preprocess } from '../../models/clip/preprocess.ts';

export interface Question {
  readonly path: string;
  readonly name: string;
}

export type Answer =
  | { readonly error: string }
  | {
      readonly error: null;
      readonly width: number;
      readonly height: number;
      /** Empty for whole photographs: a message of millions of numbers takes seconds. */
      readonly rgb: number[];
      readonly pixelValues: number[];
    };

const preprocessing = parsePreprocessorConfig({ size: 32, crop_size: 32 });

self.addEventListener('message', async ({ data }: MessageEvent<Question>) => {
  self.postMessage(await answer(data));
});

async function answer({ path, name }: Question): Promise<Answer> {
  try {
    const image = await decodeImage(await (await fetch(path)).blob(), name);
    const { width, height } = image;
    const small = width * height < 1000;
    const data = small ? image.read(0, 0, width, height).data : [];
    const pixelValues = [...preprocess(image, preprocessing)];
    image.close();
    return { error: null, width, height, rgb: [...data].filter((_, i) => i % 4 !== 3), pixelValues };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

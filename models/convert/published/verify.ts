// A published size from a checkpoint to vectors, as import and export make them, beside what openai/CLIP's own model gives.

import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ClipConfig } from '../../clip/config.ts';
import { cosine, normalize } from '../../clip/ranking.ts';
import { learnVocabulary } from '../../clip/vocabulary.ts';
import { hashFile } from '../../files/hash-file.ts';
import { writeFp32Encoders } from '../export.ts';
import { importModel } from '../import.ts';
import { openTrainedFolder } from '../trained-folder.ts';
import { type PublishedSizes, writePublished } from './checkpoint.ts';

export type Encoder = 'image_embeds' | 'text_embeds';

export interface Nearness {
  readonly cosine: number;
  /** The largest absolute difference over the largest entry. */
  readonly error: number;
}

/** What the encoders should give, by the model's name; make.py writes it. */
export const EXPECTED: Readonly<Record<string, Record<Encoder, number[]> | undefined>> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'vectors.json'), 'utf8'),
);

/** Makes `<folder>/model`, and of it `<folder>/*.onnx`; what the checkpoint was is gone then. */
export async function convertPublished(sizes: PublishedSizes, folder: string): Promise<ClipConfig> {
  const [checkpoint, tokenizer, model] = ['seeded.safetensors', 'tokenizer', 'model'].map((name) =>
    join(folder, name),
  );
  // No text is read here: any tokenizer will do.
  await mkdir(tokenizer, { recursive: true });
  await writeFile(join(tokenizer, 'tokenizer.json'), JSON.stringify(learnVocabulary([], { vocabSize: 514 })));
  await writePublished(checkpoint, sizes);
  await importModel({ source: checkpoint, out: model, tokenizer });
  await rm(checkpoint);
  const opened = await openTrainedFolder(model);
  await writeFp32Encoders(opened, folder);
  await opened.close();
  return opened.config;
}

/** Whether an imported folder, whose names are Hugging Face's, is imported again as the same weights. */
export async function sameInOtherNames(folder: string): Promise<boolean> {
  const [model, again] = ['model', 'again'].map((name) => join(folder, name));
  await importModel({ source: model, out: again });
  const [one, other] = await Promise.all(
    [model, again].map((each) => hashFile(join(each, 'model.safetensors'), 'sha256')),
  );
  await rm(again, { recursive: true });
  return one.sha256 === other.sha256;
}

/** make.py's picture and text, through the encoders that convertPublished has left. */
export async function compareWithPyTorch(
  name: string,
  sizes: PublishedSizes,
  folder: string,
  threads: number,
): Promise<Record<Encoder, Nearness>> {
  const expected = EXPECTED[name];
  if (!expected) throw new Error(`vectors.json has nothing of ${name}; make.py writes it.`);
  const side = sizes.image_resolution;
  const pixels = Float32Array.from({ length: 3 * side * side }, (_, i) => ((i * 7919) % 4001) / 1000 - 2);
  const ids = new BigInt64Array(77);
  ids.set([49_406n, 320n, 1125n, 539n, 2368n, 49_407n]);
  const run = async (file: string, feeds: Record<string, Tensor>) => {
    const session = await InferenceSession.create(join(folder, file), {
      intraOpNumThreads: threads,
      enableMemPattern: false,
    });
    const [{ data }] = Object.values(await session.run(feeds));
    await session.release();
    return data as Float32Array;
  };
  return {
    image_embeds: nearness(
      await run('vision_model.onnx', { pixel_values: new Tensor('float32', pixels, [1, 3, side, side]) }),
      expected.image_embeds,
    ),
    text_embeds: nearness(
      await run('text_model.onnx', { input_ids: new Tensor('int64', ids, [1, 77]) }),
      expected.text_embeds,
    ),
  };
}

function nearness(found: Float32Array, expected: readonly number[]): Nearness {
  const wanted = Float32Array.from(expected);
  const largest = Math.max(...wanted.map(Math.abs));
  const furthest = Math.max(...wanted.map((value, i) => Math.abs(value - found[i])));
  return { cosine: cosine(normalize(wanted), normalize(found)), error: furthest / largest };
}

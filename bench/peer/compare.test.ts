// The same as `npm run verify:peer` at a tiny size, in a second. Vitest takes it in where transformers.js is installed already
// (vite.config.ts): the product's own tests do without.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { json } from '../../models/clip/fixtures/tiny-model.ts';
import { preprocessorConfig } from '../../models/clip/preprocess.ts';
import { selfTestImage } from '../../models/clip/selftest.ts';
import { combinedModel } from '../../models/convert/combined-model.ts';
import { exportModel } from '../../models/convert/export.ts';
import { trainedFolder } from '../../models/convert/fixtures/trained-folder.ts';
import { writeFileWhole } from '../../models/files/folder.ts';
import { ModelProtoSchema } from '../../models/onnx/proto/onnx_pb.ts';
import { compareWithPeer, passes } from './compare.ts';

const PICTURES = [1, 2].map((seed) =>
  selfTestImage({ recipe: 'gradient-noise', seed, width: 50, height: 40 }),
);
const PROMPTS = ['a photo of a cat.', '', 'DOG', "people's  horses", 'naïve №5'];
const LABELS = ['cat', 'dog', 'horse'];

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-peer-'));
  const trained = new Map(await trainedFolder()).set(
    'preprocessor_config.json',
    json(preprocessorConfig(32)),
  );
  for (const [path, bytes] of trained) await writeFileWhole(join(folder, path), bytes);
  await exportModel(folder, { precisions: ['fp32'], combined: true, threads: 1 });
});
afterAll(() => rm(folder, { recursive: true }));

const compared = () => compareWithPeer(folder, PICTURES, PROMPTS, LABELS);

it('transformers.js loads what export makes, and gives the same', async () => {
  const all = await compared();
  expect(all.filter((each) => !passes(each))).toEqual([]);
  expect(all.filter(({ bound }) => bound !== null)).toHaveLength(4);
});

it('another scale in the combined graph is found out', async () => {
  const read = async (name: string) =>
    fromBinary(ModelProtoSchema, await readFile(join(folder, `onnx/${name}.onnx`)));
  const cooler = combinedModel(await read('vision_model'), await read('text_model'), 5);
  await writeFile(join(folder, 'onnx/model.onnx'), toBinary(ModelProtoSchema, cooler));
  const failing = (await compared()).filter((each) => !passes(each)).map(({ what }) => what);
  expect(failing).toEqual(['zero-shot-image-classification: scores']);
});

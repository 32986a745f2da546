import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { ModelFolder } from '../../models/clip/model-folder.ts';
import { createEncoders } from './encoders.ts';
import type { Attempt } from './plan.ts';
import type { Runtime } from './runtime.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const attempt: Attempt = { backend: 'wasm', precision: 'q8', threads: 1, build: 'wasm', adapter: null };
const folder = { preprocessing: { resize: null, crop: { width: 1, height: 1 } } } as ModelFolder;
const runtime = {
  InferenceSession: {
    create: async (graph: Uint8Array) =>
      graph[0] === 0
        ? { inputNames: ['pixel_values'], outputNames: ['image_embeds'] }
        : { inputNames: ['input_ids'], outputNames: ['text_embeds'] },
  },
} as unknown as Runtime;

it('lets the graphs’ bytes go once the sessions are there', async () => {
  const refs: WeakRef<Uint8Array>[] = [];
  const graph = (kind: number) => {
    const bytes = new Uint8Array(1000).fill(kind);
    refs.push(new WeakRef(bytes));
    return bytes;
  };
  const encoders = await createEncoders(runtime, attempt, folder, {
    vision_model: graph(0),
    text_model: graph(1),
  });
  // A WeakRef holds what it was made of until this turn of the event loop ends.
  await new Promise((resolve) => setTimeout(resolve));
  collectGarbage();
  expect(refs.map((ref) => ref.deref())).toEqual([undefined, undefined]);
  expect(encoders).toBeDefined();
});

import { expect, it } from 'vitest';
import type { EncodingBatch, Preprocessing, Tokenizer } from '../../models/clip/types.ts';
import { createEngine, type Encoders } from './engine.ts';

/** 1x1 pictures, so that pixel_values are the three 8-bit values themselves. */
const preprocessing: Preprocessing = {
  resize: null,
  crop: { width: 1, height: 1 },
  resample: 'bicubic',
  rescaleFactor: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

/** One token a prompt, its length; five characters are the context. */
const tokenizer: Tokenizer = {
  vocabSize: 100,
  contextLength: 5,
  bosTokenId: 0,
  eosTokenId: 0,
  padTokenId: 0,
  encode: (text) => ({ ids: [text.length], truncated: text.length > 5 }),
  encodeBatch: (texts) => ({
    input_ids: BigInt64Array.from(texts, (text) => BigInt(text.length)),
    attention_mask: new BigInt64Array(texts.length).fill(1n),
    dims: [texts.length, 1],
    truncated: texts.map((text) => text.length > 5),
  }),
  decode: () => '',
};

function setUp(maxBatch = 4, { broken, started = true }: { broken?: Encoders; started?: boolean } = {}) {
  const batches: { images: number[]; texts: number[] } = { images: [], texts: [] };
  let decoded = 0;
  let open = 0;
  let mostOpen = 0;
  const encoders: Encoders = {
    async encodeImages(pixelValues, batch) {
      batches.images.push(batch);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return Array.from({ length: batch }, (_, i) => pixelValues.slice(3 * i, 3 * i + 3));
    },
    async encodeTexts({ input_ids }: EncodingBatch) {
      batches.texts.push(input_ids.length);
      return Array.from(input_ids, (length) => new Float32Array([Number(length), 0]));
    },
  };
  const engine = createEngine({
    tokenizer,
    preprocessing,
    maxBatch,
    async decode(photo, name) {
      decoded += 1;
      mostOpen = Math.max(mostOpen, ++open);
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (photo.size === 0) {
        open--;
        throw new Error(`${name} is empty.`);
      }
      const data = new Uint8Array([photo.size, 0, 0]);
      return {
        width: 1,
        height: 1,
        read: () => ({ width: 1, height: 1, channels: 3, data }),
        close: () => void open--,
      };
    },
  });
  const start = () => engine.start(broken ?? encoders);
  if (started) start();
  return { engine, start, batches, decoded: () => decoded, mostOpen: () => mostOpen, stillOpen: () => open };
}

const photo = (size: number) => new Blob([new Uint8Array(size)]);
/** A signal that is never fired; each request has its own. */
const never = () => new AbortController().signal;

it('gives unit vectors, the first photograph alone, the others in batches as they are ready', async () => {
  const { engine, batches, mostOpen, stillOpen } = setUp();
  const all = await Promise.all(
    Array.from({ length: 40 }, (_, i) => engine.embedImage(photo(i + 1), `${i}`, never())),
  );
  for (const { vector, ms } of all) {
    expect([...vector]).toEqual([1, 0, 0]);
    expect(ms).toBeGreaterThan(0);
  }
  expect(batches.images[0]).toBe(1);
  expect(Math.max(...batches.images)).toBeGreaterThan(1);
  expect(Math.max(...batches.images)).toBeLessThanOrEqual(4);
  expect(batches.images.reduce((a, b) => a + b)).toBe(40);
  expect(mostOpen()).toBeLessThanOrEqual(2);
  expect(stillOpen()).toBe(0);
});

it('prepares one photograph before its device is there, and encodes nothing', async () => {
  const { engine, start, batches, decoded } = setUp(4, { started: false });
  const gone = new AbortController();
  const photographs = Array.from({ length: 6 }, (_, i) => engine.embedImage(photo(i + 1), `${i}`, never()));
  const prompts = engine.embedPrompts(['ab'], never());
  const aborted = expect(engine.embedImage(photo(9), 'gone', gone.signal)).rejects.toThrow(/abort/i);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(decoded()).toBe(1);
  expect(batches).toEqual({ images: [], texts: [] });
  gone.abort();
  start();
  expect(await Promise.all(photographs)).toHaveLength(6);
  expect((await prompts).vectors).toHaveLength(1);
  await aborted;
  expect(batches.images[0]).toBe(1);
  expect(decoded()).toBe(6);
});

it('tells each photograph what is wrong with it, and goes on with the others', async () => {
  const { engine } = setUp(1);
  const [bad, good] = [
    engine.embedImage(photo(0), 'void.jpg', never()),
    engine.embedImage(photo(9), 'b.jpg', never()),
  ];
  await expect(bad).rejects.toThrow('void.jpg is empty.');
  expect((await good).vector).toHaveLength(3);
});

it('drops photographs whose request was aborted before they were decoded', async () => {
  const { engine, batches } = setUp(1);
  const controller = new AbortController();
  const kept = engine.embedImage(photo(1), 'a', never());
  const dropped = Array.from({ length: 20 }, () => engine.embedImage(photo(1), 'b', controller.signal));
  controller.abort();
  const outcomes = await Promise.allSettled(dropped);
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  await kept;
  expect(batches.images).toEqual([1]);
});

it('says of what the device fails on which file or prompt it was, and what to do', async () => {
  const broken: Encoders = {
    encodeImages: async () => {
      throw new Error('failed to call OrtRun(). ERROR_CODE: 6');
    },
    encodeTexts: async () => {
      throw new RangeError('memory access out of bounds.');
    },
  };
  const { engine } = setUp(4, { broken });
  const images = ['a.jpg', 'b.jpg'].map((name) => engine.embedImage(photo(1), name, never()));
  await expect(images[0]).rejects.toThrow(/while it read a\.jpg: .*ERROR_CODE: 6\. Try again; .*reload/);
  await expect(images[1]).rejects.toThrow(/while it read b\.jpg: /);
  await expect(engine.embedPrompts(['a cat', 'a dog'], never())).rejects.toThrow(
    'The model failed while it read the prompt “a cat” and 1 more: memory access out of bounds. Try again;',
  );
});

it('encodes prompts in chunks, in their order, and says which were cut', async () => {
  const { engine, batches } = setUp();
  const prompts = Array.from({ length: 150 }, (_, i) => 'x'.repeat(1 + (i % 7)));
  const { vectors, truncated } = await engine.embedPrompts(prompts, never());
  expect(vectors.every((vector) => vector[0] === 1)).toBe(true);
  expect(truncated).toEqual(prompts.map(({ length }) => length > 5));
  expect(batches.texts).toEqual([64, 64, 22]);
  expect(await engine.embedPrompts([], never())).toEqual({ vectors: [], truncated: [] });
});

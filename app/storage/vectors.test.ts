import 'fake-indexeddb/auto';
import { expect, it } from 'vitest';
import { getVectors, putVectors, removeImageVectors, touchVectorModel, type VectorSpace } from './vectors.ts';

const kept = (...values: number[]) => ({ vector: new Float32Array(values), truncated: false });
const space = (modelKey: string, precision: VectorSpace['precision'] = 'q8'): VectorSpace => ({
  modelKey,
  precision,
});

it('gives back what was put, undefined for the rest, and nothing of another model, precision or kind', async () => {
  await putVectors(space('m'), 'image', [
    ['one', kept(1, 0)],
    ['two', kept(0, 1)],
  ]);
  expect(await getVectors(space('m'), 'image', ['two', 'none', 'one'])).toEqual([
    kept(0, 1),
    undefined,
    kept(1, 0),
  ]);
  for (const [other, kind] of [
    [space('m', 'fp32'), 'image'],
    [space('m2'), 'image'],
    [space('m'), 'prompt'],
  ] as const)
    expect(await getVectors(other, kind, ['one'])).toEqual([undefined]);
});

it('forgets the models that were not used for longest, and no other', async () => {
  const models = ['a', 'b', 'c', 'd', 'e'];
  for (const model of models) {
    await putVectors(space(model), 'prompt', [['p', kept(1)]]);
    await putVectors(space(model, 'fp16'), 'image', [['p', kept(1)]]);
    await touchVectorModel(model);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const left = async (model: string) => {
    const [prompt] = await getVectors(space(model), 'prompt', ['p']);
    const [image] = await getVectors(space(model, 'fp16'), 'image', ['p']);
    return prompt !== undefined && image !== undefined;
  };
  expect(await Promise.all(models.map(left))).toEqual([false, true, true, true, true]);
});

it('forgets photographs in every model and precision, and neither prompts nor other photographs', async () => {
  const spaces = [space('m1'), space('m1', 'fp32'), space('m2', 'fp16')];
  for (const one of spaces) {
    await putVectors(one, 'image', [
      ['gone', kept(1)],
      ['here', kept(2)],
    ]);
    await putVectors(one, 'prompt', [['gone', kept(3)]]);
  }
  await removeImageVectors(['gone', 'unknown']);
  for (const one of spaces) {
    expect(await getVectors(one, 'image', ['gone', 'here'])).toEqual([undefined, kept(2)]);
    expect(await getVectors(one, 'prompt', ['gone'])).toEqual([kept(3)]);
  }
});

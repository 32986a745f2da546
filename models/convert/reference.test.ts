import { InferenceSession } from 'onnxruntime-node';
import { afterEach, expect, test, vi } from 'vitest';
import { parseClipConfig } from '../clip/config.ts';
import { memorySource, tinyModel } from '../clip/fixtures/tiny-model.ts';
import { readModelFolder } from '../clip/model-folder.ts';
import { textEncoder, visionEncoder } from '../networks/clip.ts';
import { openReference } from './reference.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('lets go of the vision encoder where the text encoder cannot be opened', async () => {
  const files = await tinyModel();
  const config = parseClipConfig(
    JSON.parse(new TextDecoder().decode(files.get('config.json'))),
    'config.json',
  );
  const parameters = [visionEncoder(config), textEncoder(config)].flatMap((graph) => [
    ...graph.parameters.values(),
  ]);
  const weights = new Map(
    parameters.map(({ name, shape }) => [name, new Float32Array(shape.reduce((a, b) => a * b, 1))]),
  );
  const released = vi.fn(async () => {});
  vi.spyOn(InferenceSession, 'create')
    .mockResolvedValueOnce({ release: released } as unknown as InferenceSession)
    .mockRejectedValueOnce(new Error('There is no memory left.'));
  const folder = await readModelFolder(memorySource(files));
  await expect(openReference(config, weights, folder, 1)).rejects.toThrow('There is no memory left.');
  expect(released).toHaveBeenCalledOnce();
});

import { expect, it } from 'vitest';
import { channelBlock } from './channel-block.ts';

it('is what kernels of ONNX Runtime have, and asked for once', async () => {
  expect([1, 8, 16]).toContain(await channelBlock());
  expect(channelBlock()).toBe(channelBlock());
});

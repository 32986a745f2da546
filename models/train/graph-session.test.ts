import { expect, it, vi } from 'vitest';
import { randomStream } from '../data/random.ts';
import { Graph } from '../onnx/graph.ts';
import { conv, mul, reduceSum } from '../onnx/operators.ts';
import { channelBlock } from './channel-block.ts';
import { floats, GraphSession } from './graph-session.ts';

vi.mock(import('./channel-block.ts'), async (original) => ({
  channelBlock: vi.fn((await original()).channelBlock),
}));

const block = await channelBlock();
const random = randomStream('graph session', 1);
const values = (length: number) => Float32Array.from({ length }, () => random() - 0.5);
const x = floats(values(4 * 16 * 16 * 16), [4, 16, 16, 16]);
const weights = new Map([['w', values(16 * 16 * 3 * 3)]]);

/** The gradient of a convolution's weight, where the loss is the sum of squares of two of them one behind the other. */
async function gradient(): Promise<Float32Array> {
  const g = new Graph('training');
  const w = g.parameter('w', [16, 16, 3, 3], { kind: 'normal', std: 1 });
  const options = { stride: 1, padding: 1 };
  const result = conv(g, conv(g, g.input('x', 'float32', x.dims), w, options), w, options);
  const loss = reduceSum(g, mul(g, result, result), [0, 1, 2, 3], false);
  g.output('loss', loss);
  const session = await GraphSession.create(g, { threads: 1, precision: 'fp32' }, loss);
  const sums = new Map<string, Float32Array>();
  session.addGradients(await session.run(weights, { x }), sums, { x });
  await session.release();
  return sums.get('w') ?? new Float32Array();
}

it.skipIf(block === 1)('computes convolutions by blocks of channels, to the same numbers', async () => {
  const blocked = await gradient();
  vi.mocked(channelBlock).mockResolvedValueOnce(1);
  const plain = await gradient();
  // In another order, and so not to the last bit.
  expect(blocked).not.toEqual(plain);
  const largest = plain.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largest).toBeGreaterThan(0);
  for (let i = 0; i < plain.length; i++) {
    expect(Math.abs(blocked[i] - plain[i]) / largest).toBeLessThan(1e-5);
  }
});

import { describe, expect, it } from 'vitest';
import { channelBlock } from '../train/channel-block.ts';
import { blockConvolutions } from './blocked-convolutions.ts';
import { count, outputLoss, randomFeeds, runGraph } from './fixtures/training-graphs.ts';
import { Graph, type Value } from './graph.ts';
import { add, conv, mul, reduceSum } from './operators.ts';

const block = await channelBlock();
const start = { kind: 'normal', std: 1 } as const;
const SAME = { stride: 1, padding: 1 };

const weight = (g: Graph, name: string, out: number, channels: number, kernel = 3) =>
  g.parameter(name, [out, channels, kernel, kernel], start);

/** Two convolutions of what a third gives: the loss is the sum of squares. */
function network(): Graph {
  const g = new Graph('training');
  const x = g.input('x', 'float32', [4, 16, 16, 10]);
  const first = conv(g, x, weight(g, 'first', 32, 16), SAME);
  const second = conv(g, first, weight(g, 'second', 16, 32), SAME);
  const third = conv(g, first, weight(g, 'third', 16, 32, 5), { stride: 1, padding: 2 });
  const result = add(g, second, third);
  const loss = reduceSum(g, mul(g, result, result), [0, 1, 2, 3], false);
  outputLoss(g, loss);
  return g;
}

describe('convolutions over channels in blocks', () => {
  it.skipIf(block === 1)('have the numbers of the others, forward and backward', async () => {
    const [plain, blocked] = [network(), network()];
    blockConvolutions(blocked, block);
    // Three forward, and two back to what the first gave: nothing asks for the gradient of x.
    expect(count(blocked, 'BlockedConv')).toBe(5);
    expect(count(blocked, 'Conv')).toBe(0);
    // x, what the first gave, and the one adjoint that both others have.
    expect(count(blocked, 'ReorderInput')).toBe(3);
    const feeds = randomFeeds(plain, 'blocked convolutions');
    const [expected, found] = [await runGraph(plain, feeds), await runGraph(blocked, feeds)];
    expect(Object.keys(found).sort()).toEqual([
      ...['gradient:first', 'gradient:second', 'gradient:third'],
      'loss',
    ]);
    for (const [name, { data }] of Object.entries(found)) {
      const values = expected[name].data as Float32Array;
      const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      (data as Float32Array).forEach((value, i) => {
        expect(Math.abs(value - values[i]) / scale, name).toBeLessThan(1e-5);
      });
    }
  });

  const left: [string, (g: Graph, x: Value) => Value][] = [
    ['of one tap', (g, x) => conv(g, x, weight(g, 'w', 16, 16, 1), { stride: 1, padding: 0 })],
    ['with a stride', (g, x) => conv(g, x, weight(g, 'w', 16, 16), { stride: 2, padding: 1 })],
    ['of channels that fill no block', (g, x) => conv(g, x, weight(g, 'w', 20, 16), SAME)],
    ['of few pixels for their channels', (g, x) => conv(g, x, weight(g, 'w', 512, 16), SAME)],
  ];
  it.each(left)('leave those %s', (_, build) => {
    const g = new Graph('training');
    const x = g.input('x', 'float32', [4, 16, 24, 24]);
    build(g, x);
    conv(g, x, weight(g, 'gains', 16, 16), SAME);
    blockConvolutions(g, 16);
    expect(count(g, 'Conv')).toBe(1);
    expect(count(g, 'BlockedConv')).toBe(1);
  });

  it('leave those of a batch that is not known, and all where there are no blocks', () => {
    for (const [batch, size] of [
      ['batch', 16],
      [4, 1],
    ] as const) {
      const g = new Graph('training');
      conv(g, g.input('x', 'float32', [batch, 16, 12, 12]), weight(g, 'w', 16, 16), SAME);
      blockConvolutions(g, size);
      expect(count(g, 'Conv')).toBe(1);
    }
  });
});

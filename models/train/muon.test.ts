// Muon against its author's code. `python3 models/train/fixtures/make_muon.py <folder of KellerJordan/Muon>` makes the fixture.

import { expect, it } from 'vitest';
import { isHiddenMatrix } from '../networks/layers.ts';
import { Graph, type Parameter } from '../onnx/graph.ts';
import { sizeOf } from '../onnx/shapes.ts';
import expected from './fixtures/muon.json' with { type: 'json' };
import { Muon, rateFactor } from './muon.ts';

const RATE = 0.01;
const DECAY = 0.1;

it('makes the updates of its author, larger by the shape, and lets weights decay', async () => {
  const g = new Graph();
  const shapes = Object.keys(expected).map((name) => name.split('x').map(Number));
  const parameters = shapes.map((shape) =>
    g.parameter(shape.join('x'), shape, { kind: 'constant', value: 0 }),
  );
  const zeros = ({ shape }: Parameter) => new Float32Array(sizeOf(shape));
  const weights = new Map(parameters.map((each) => [each.name, zeros(each).fill(1)]));
  const moments = new Map(parameters.map((each) => [each.name, { m: zeros(each) }]));
  const muon = await Muon.create(parameters, 1);
  const wanted = new Map([...weights].map(([name, values]) => [name, Float64Array.from(values)]));
  for (let step = 0; step < 3; step++) {
    // Twice as large and clipped to one half: the same.
    const gradients = new Map(
      parameters.map((each) => [each.name, zeros(each).map((_, k) => 2 * Math.sin(step + k * k))]),
    );
    await muon.step(weights, gradients, moments, { rate: RATE, scale: 0.5, weightDecay: DECAY });
    for (const [k, [name, updates]] of Object.entries(expected).entries()) {
      const factor = 0.2 * Math.sqrt(Math.max(...shapes[k]));
      const values = wanted.get(name) ?? new Float64Array();
      values.forEach((value, i) => {
        values[i] = value * (1 - RATE * DECAY) - RATE * factor * updates[step][i];
      });
      const furthest = values.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - (weights.get(name)?.[i] ?? Number.NaN))),
        0,
      );
      expect(furthest, `${name}, step ${step + 1}`).toBeLessThan(1e-6);
    }
  }
  await muon.release();
});

it('is as large as an update of AdamW: a root mean square of about 0.2', async () => {
  const g = new Graph();
  const [rows, columns] = [24, 96];
  const parameter = g.parameter('w', [rows, columns], { kind: 'constant', value: 0 });
  const weights = new Map([['w', new Float32Array(rows * columns)]]);
  const gradients = new Map([['w', new Float32Array(rows * columns).map((_, k) => Math.sin(k * k))]]);
  const muon = await Muon.create([parameter], 1);
  const moments = new Map([['w', { m: new Float32Array(rows * columns) }]]);
  await muon.step(weights, gradients, moments, { rate: 1, scale: 1, weightDecay: 0 });
  await muon.release();
  const meanSquare =
    (weights.get('w') ?? new Float32Array()).reduce((sum, x) => sum + x * x, 0) / (rows * columns);
  expect(Math.sqrt(meanSquare)).toBeGreaterThan(0.15);
  expect(Math.sqrt(meanSquare)).toBeLessThan(0.25);
  expect(rateFactor([rows, columns])).toBeCloseTo(0.2 * Math.sqrt(96), 6);
});

it('is for the matrices of hidden layers alone', () => {
  const g = new Graph();
  const named = (name: string, shape: number[]) =>
    isHiddenMatrix(g.parameter(name, shape, { kind: 'constant', value: 0 }));
  expect(named('vision_model.encoder.layers.0.mlp.fc1.weight', [4, 8])).toBe(true);
  expect(named('text_model.encoder.layers.1.self_attn.q_proj.weight', [4, 4])).toBe(true);
  expect(named('text_model.encoder.layers.1.self_attn.q_proj.bias', [4])).toBe(false);
  expect(named('text_model.embeddings.token_embedding.weight', [9, 4])).toBe(false);
  expect(named('visual_projection.weight', [4, 4])).toBe(false);
  expect(named('vision_model.embeddings.stem.0.weight', [8, 3, 3, 3])).toBe(false);
});

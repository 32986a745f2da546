// Expected values by hand with torchvision's formulas, and for hues with Python's colorsys, that torchvision's agree with.
import { describe, expect, test } from 'vitest';
import { type Change, changeColors, drawColorJitter, grayScale } from './color-jitter.ts';
import { randomStream } from './random.ts';

const PIXELS = [
  [200, 50, 50],
  [10, 120, 240],
  [90, 90, 90],
  [30, 200, 130],
];
/** [3, pixels] */
const planesOf = (pixels: number[][]) =>
  Float32Array.from([0, 1, 2].flatMap((channel) => pixels.map((pixel) => pixel[channel])));
function expectPixels(planes: Float32Array, pixels: number[][]) {
  for (const [i, value] of planesOf(pixels).entries()) expect(planes[i]).toBeCloseTo(value, 3);
}
function changed(...changes: Change[]) {
  const planes = planesOf(PIXELS);
  changeColors(planes, changes);
  return planes;
}

describe('each change', () => {
  test('brightness multiplies, and is cut off at white', () =>
    expectPixels(changed(['brightness', 1.3]), [
      [255, 65, 65],
      [13, 156, 255],
      [117, 117, 117],
      [39, 255, 169],
    ]));

  test("contrast goes away from the whole picture's mean luma, here 106.7075", () =>
    expectPixels(changed(['contrast', 1.3]), [
      [227.98775, 32.98775, 32.98775],
      [0, 123.98775, 255],
      [84.98775, 84.98775, 84.98775],
      [6.98775, 227.98775, 136.98775],
    ]));

  test("saturation goes away from each pixel's luma", () =>
    expectPixels(changed(['saturation', 1.3]), [
      [231.545, 36.545, 36.545],
      [0, 125.763, 255],
      [90, 90, 90],
      [0, 217.643, 126.643],
    ]));

  test.each([
    [0.08, [200, 122, 50], [10.4, 10, 240], [30, 188.4, 200]],
    [-0.08, [200, 50, 122], [10, 230.4, 240], [30, 200, 48.4]],
    [0.5, [50, 200, 200], [240, 130, 10], [200, 30, 100]],
  ])('hue by %d of a turn; grey stays grey', (turns, red, blue, green) =>
    expectPixels(changed(['hue', turns]), [red, blue, [90, 90, 90], green]),
  );

  test('grey is every channel at the luma', () => {
    const planes = planesOf(PIXELS);
    grayScale(planes);
    expectPixels(
      planes,
      [94.85, 100.79, 90, 141.19].map((luma) => [luma, luma, luma]),
    );
  });
});

test('changes are made in their order', () => {
  // 200 · 1.3 is cut off at 255 before it is halved.
  expect(changed(['brightness', 1.3], ['brightness', 0.5])[0]).toBe(127.5);
  expect(changed(['brightness', 0.5], ['brightness', 1.3])[0]).toBeCloseTo(130, 4);
});

test("draws keep within CLIPA's strengths and use them up, in all orders", () => {
  const orders = new Set<string>();
  const amounts: Record<string, number[]> = {};
  for (let row = 0; row < 500; row++) {
    const changes = drawColorJitter(randomStream('color jitter', 0, 0, row));
    expect(changes).toEqual(drawColorJitter(randomStream('color jitter', 0, 0, row)));
    orders.add(changes.map(([kind]) => kind).join());
    for (const [kind, amount] of changes) amounts[kind] = [...(amounts[kind] ?? []), amount];
  }
  expect(orders.size).toBe(24);
  for (const [kind, middle, most] of [
    ['brightness', 1, 0.32],
    ['contrast', 1, 0.32],
    ['saturation', 1, 0.32],
    ['hue', 0, 0.08],
  ] as const) {
    expect(amounts[kind]).toHaveLength(500);
    expect(Math.max(...amounts[kind])).toBeLessThanOrEqual(middle + most);
    expect(Math.min(...amounts[kind])).toBeGreaterThanOrEqual(middle - most);
    expect(Math.max(...amounts[kind]) - Math.min(...amounts[kind])).toBeGreaterThan(1.9 * most);
  }
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { drawCrop } from './crop.ts';
import { randomStream } from './random.ts';

const augmentation = { cropScale: [0.5, 1], aspectRatio: [4 / 5, 5 / 4], flipProb: 0.5 } as const;

test('every crop lies inside the picture and keeps to its limits of area and aspect ratio', () => {
  const side = fc.integer({ min: 1, max: 5000 });
  fc.assert(
    fc.property(side, side, fc.nat(), (width, height, seed) => {
      const crop = drawCrop(width, height, augmentation, randomStream(seed));
      expect(crop.left).toBeGreaterThanOrEqual(0);
      expect(crop.top).toBeGreaterThanOrEqual(0);
      expect(crop.left + crop.width).toBeLessThanOrEqual(width + 1e-9);
      expect(crop.top + crop.height).toBeLessThanOrEqual(height + 1e-9);
      // Where the picture itself ends the crop, it is smaller than drawn, at most by the aspect ratio's jitter.
      const area = (crop.width * crop.height) / Math.min(width, height) ** 2;
      expect(area).toBeGreaterThan(0.5 * Math.sqrt(4 / 5) - 1e-9);
      expect(area).toBeLessThan(1 + 1e-9);
      expect(crop.width / crop.height).toBeGreaterThan(4 / 5 - 1e-9);
      expect(crop.width / crop.height).toBeLessThan(5 / 4 + 1e-9);
    }),
  );
});

test('crops spread over place, size, shape and side', () => {
  const crops = Array.from({ length: 2000 }, (_, i) =>
    drawCrop(300, 100, augmentation, randomStream('spread', i)),
  );
  const mean = (of: (crop: (typeof crops)[number]) => number) =>
    crops.reduce((sum, crop) => sum + of(crop), 0) / 2000;
  expect(mean((crop) => Number(crop.flip))).toBeCloseTo(0.5, 1);
  expect(mean((crop) => crop.left + crop.width / 2) / 300).toBeCloseTo(0.5, 1);
  expect(Math.min(...crops.map((crop) => crop.left))).toBeLessThan(5);
  expect(Math.max(...crops.map((crop) => crop.left + crop.width))).toBeGreaterThan(295);
});

test('crops that fit on all sides are as often wide as tall', () => {
  const small = { ...augmentation, cropScale: [0.2, 0.5] } as const;
  const stretches = Array.from({ length: 2000 }, (_, i) => {
    const { width, height } = drawCrop(100, 100, small, randomStream('shape', i));
    return Math.log(width / height);
  });
  const wide = stretches.filter((stretch) => stretch > 0).length / 2000;
  expect(wide).toBeCloseTo(0.5, 1);
  expect(Math.max(...stretches)).toBeGreaterThan(0.95 * Math.log(5 / 4));
  expect(Math.min(...stretches)).toBeLessThan(0.95 * Math.log(4 / 5));
});

test('without flipping nothing is mirrored', () => {
  for (let i = 0; i < 50; i++)
    expect(drawCrop(64, 64, { ...augmentation, flipProb: 0 }, randomStream(i)).flip).toBe(false);
});

import { existsSync } from 'node:fs';
import sharp from 'sharp';
import { afterEach, describe, expect, test } from 'vitest';
import { decodeImage } from '../files/decode-image.ts';
import { drawCaption } from './captions.ts';
import { changeColors, drawColorJitter } from './color-jitter.ts';
import { sharedKeys } from './pair-keys.ts';
import { openPairStream, type PairBatch, type PairStream, type PairStreamOptions } from './pair-stream.ts';
import { randomStream } from './random.ts';
import { openSources } from './sources.ts';
import type { PairSource } from './types.ts';

const mean = [0.5, 0.4, 0.3] as const;
const std = [0.25, 0.5, 0.2] as const;
const plain = { batchSize: 4, imageSize: 8, mean, std, seed: 1 };

const open: PairStream[] = [];
function stream(source: PairSource, options: Partial<PairStreamOptions> = {}): PairStream {
  const opened = openPairStream(source, { ...plain, ...options });
  open.push(opened);
  return opened;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((opened) => opened.close()));
});

type Colour = readonly [red: number, green: number, blue: number];
/** A colour by which a row can be told from its picture. */
const colour = (row: number): Colour => [10 * row, 255 - 10 * row, 40];

function solid([r, g, b]: Colour, width = 20, height = 14): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();
}

function sourceOf(
  images: readonly Uint8Array[],
  words?: (row: number) => { labels?: string[]; captions?: string[] },
): PairSource {
  const source: PairSource = {
    name: 'made up',
    length: images.length,
    text: (row) => ({
      id: `made up row ${row}`,
      labels: [`Name ${row}`],
      captions: [],
      source: 'test',
      ...words?.(row),
    }),
    row: async (row) => ({ ...source.text(row), image: images[row] }),
  };
  return source;
}

const colours = async (count: number) =>
  Promise.all(Array.from({ length: count }, (_, row) => solid(colour(row))));

/** Which rows a batch holds, by their keys. */
const rowsOf = (batch: PairBatch) =>
  batch.keys.map(({ holds }) =>
    Number(holds.find((key) => key.startsWith('made up row'))?.slice('made up row '.length)),
  );

/** The value of a colour's channel as the network reads it. */
const expected = (value: number, channel: number) => (value / 255 - mean[channel]) / std[channel];

/** The picture at a place of a batch as the mean of each channel, from 0 to 255. */
function meanColour(batch: PairBatch, place: number): number[] {
  const size = batch.pixel_values.length / batch.captions.length / 3;
  return [0, 1, 2].map((channel) => {
    const from = (3 * place + channel) * size;
    const sum = batch.pixel_values.subarray(from, from + size).reduce((total, value) => total + value, 0);
    return 255 * ((sum / size) * std[channel] + mean[channel]);
  });
}

describe('batches', () => {
  test('each place holds its own row: pixels, caption and keys', async () => {
    const pairs = stream(sourceOf(await colours(11)));
    expect(pairs.batchesPerEpoch).toBe(2);
    for (const step of [0, 1, 2]) {
      const batch = await pairs.batch(step);
      expect(batch.pixel_values.length).toBe(4 * 3 * 8 * 8);
      expect(batch.skipped).toBe(0);
      for (const [place, row] of rowsOf(batch).entries()) {
        expect(batch.keys[place]).toEqual(sharedKeys([`name ${row}`, `made up row ${row}`]));
        expect(batch.captions[place]).toMatch(new RegExp(`\\bname ${row}(?!\\d)`));
        for (const channel of [0, 1, 2])
          for (let i = 0; i < 64; i++)
            expect(batch.pixel_values[(3 * place + channel) * 64 + i]).toBeCloseTo(
              expected(colour(row)[channel], channel),
              4,
            );
      }
    }
  });

  test('a share of the pictures in grey, of the luma that their colours have', async () => {
    const images = await colours(24);
    const batch = await stream(sourceOf(images), { batchSize: 24, grayScaleProb: 0.5 }).batch(0);
    let grey = 0;
    for (const [place, row] of rowsOf(batch).entries()) {
      const [red, green, blue] = colour(row);
      const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
      const isGrey = Math.abs(meanColour(batch, place)[0] - red) > 0.01;
      const wanted = isGrey ? [luma, luma, luma] : [red, green, blue];
      for (const [channel, value] of meanColour(batch, place).entries())
        expect(value).toBeCloseTo(wanted[channel], 2);
      if (isGrey) grey++;
    }
    expect(grey).toBeGreaterThan(4);
    expect(grey).toBeLessThan(20);
  });

  test('a share of the pictures in other colours, drawn for the epoch and the row', async () => {
    const source = sourceOf(await colours(24));
    const pairs = stream(source, { batchSize: 24, colorJitterProb: 0.5 });
    let changed = 0;
    for (const epoch of [0, 1]) {
      const batch = await pairs.batch(epoch);
      for (const [place, row] of rowsOf(batch).entries()) {
        const random = randomStream('color jitter', 1, epoch, row);
        const wanted = Float32Array.from(colour(row));
        if (random() < 0.5) {
          changeColors(wanted, drawColorJitter(random));
          changed++;
        }
        for (const [channel, value] of meanColour(batch, place).entries())
          expect(value).toBeCloseTo(wanted[channel], 2);
      }
    }
    expect(changed).toBeGreaterThan(12);
    expect(changed).toBeLessThan(36);
  });

  test('a share of the pictures as coarse as small ones, and the others as they were', async () => {
    const stripes = Uint8Array.from({ length: 3 * 128 * 128 }, (_, i) => (Math.floor(i / 9) % 2 ? 0 : 255));
    const png = await sharp(stripes, { raw: { width: 128, height: 128, channels: 3 } })
      .png()
      .toBuffer();
    const source = sourceOf(Array.from({ length: 16 }, () => png));
    const at = async (lowResProb: number, workers = 1) => {
      const { pixel_values } = await stream(source, {
        batchSize: 16,
        imageSize: 64,
        lowResProb,
        workers,
      }).batch(0);
      return Array.from({ length: 16 }, (_, place) => pixel_values.slice(place * 12288, (place + 1) * 12288));
    };
    /** How much neighbours in a line differ. */
    const detail = (planes: Float32Array) =>
      planes.reduce((sum, value, i) => sum + (i % 64 ? Math.abs(value - planes[i - 1]) : 0), 0);
    const fine = await at(0);
    const mixed = await at(0.5);
    const coarse = mixed.filter((planes, place) => planes.some((value, i) => value !== fine[place][i]));
    for (const planes of coarse)
      expect(detail(planes)).toBeLessThan(0.9 * detail(fine[mixed.indexOf(planes)]));
    expect(coarse.length).toBeGreaterThan(3);
    expect(coarse.length).toBeLessThan(13);
    const again = await at(0.5, 2);
    expect(again.every((planes, place) => planes.every((value, i) => value === mixed[place][i]))).toBe(true);
  });

  test('an epoch shows no row twice, the next one shuffles anew', async () => {
    const pairs = stream(sourceOf(await colours(9)));
    const epoch = async (n: number) => [
      ...rowsOf(await pairs.batch(2 * n)),
      ...rowsOf(await pairs.batch(2 * n + 1)),
    ];
    const first = await epoch(0);
    const second = await epoch(1);
    expect(new Set(first).size).toBe(8);
    expect(new Set(second).size).toBe(8);
    expect(second).not.toEqual(first);
  });

  test('each epoch draws its captions anew, as drawCaption does for the epoch and the row', async () => {
    const source = sourceOf(await colours(4));
    const pairs = stream(source);
    for (const epoch of [0, 1, 2]) {
      const batch = await pairs.batch(epoch);
      const drawn = rowsOf(batch).map(
        (row) => drawCaption(source.text(row), { seed: 1, epoch, row }).caption,
      );
      expect(batch.captions).toEqual(drawn);
    }
    const later = Array.from({ length: 4 }, (_, row) =>
      [0, 1, 2].map((epoch) => drawCaption(source.text(row), { seed: 1, epoch, row }).caption),
    );
    expect(later.some((captions) => new Set(captions).size > 1)).toBe(true);
  });

  test('captions count as keys in lower case, once each', async () => {
    const source = sourceOf(await colours(4), () => ({
      labels: ['Dog'],
      captions: ['A Dog', 'dog', 'Two dogs'],
    }));
    const batch = await stream(source).batch(0);
    for (const { holds } of batch.keys) expect(holds.slice(0, -1)).toEqual(['dog', 'a dog', 'two dogs']);
    for (const caption of batch.captions) expect(['A Dog', 'dog', 'Two dogs']).toContain(caption);
  });
});

describe('a batch is a pure function of seed and step', () => {
  const noise = (row: number) =>
    sharp({
      create: {
        width: 24,
        height: 18,
        channels: 3,
        background: '#777',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    })
      .tint({ r: 20 * row, g: 100, b: 200 })
      .png()
      .toBuffer();

  test('in any order, on any number of threads, in another stream, repeated', async () => {
    const source = sourceOf(await Promise.all(Array.from({ length: 10 }, (_, row) => noise(row))));
    const inOrder = stream(source);
    const batches: PairBatch[] = [];
    for (let step = 0; step < 8; step++) batches.push(await inOrder.batch(step));

    const resumed = stream(source);
    for (const step of [5, 6, 7]) expect(await resumed.batch(step)).toEqual(batches[step]);
    const jumping = stream(source, { workers: 3 });
    for (const step of [7, 0, 3, 3, 2]) expect(await jumping.batch(step)).toEqual(batches[step]);
  });

  test('another seed, and another epoch, crop the same picture otherwise', async () => {
    const source = sourceOf([await noise(3)]);
    const at = async (seed: number, step: number) =>
      (await stream(source, { batchSize: 1, seed }).batch(step)).pixel_values;
    const first = await at(1, 0);
    expect(await at(1, 0)).toEqual(first);
    expect(await at(2, 0)).not.toEqual(first);
    expect(await at(1, 1)).not.toEqual(first);
  });
});

test('reads ahead two batches more than there are threads, 32 pictures at a time', async () => {
  const image = await solid(colour(3));
  const source = sourceOf(Array.from({ length: 400 }, () => image));
  let reading = 0;
  let most = 0;
  let read = 0;
  const counting: PairSource = {
    ...source,
    async row(row) {
      read++;
      most = Math.max(most, ++reading);
      await new Promise((resolve) => setTimeout(resolve, 2));
      reading--;
      return source.row(row);
    },
  };
  const pairs = stream(counting, { batchSize: 40, workers: 3 });
  await pairs.batch(0);
  for (let before = -1; before !== read; ) {
    before = read;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(read).toBe(40 * (1 + 3 + 2));
  expect(most).toBe(32);
});

describe('damaged pictures', () => {
  test('other rows of the epoch stand in, each is told of once, and a resumed run comes to the same', async () => {
    const images: Uint8Array[] = await colours(12);
    images[2] = new Uint8Array();
    images[5] = new TextEncoder().encode('<html>not a picture</html>');
    images[8] = images[8].slice(0, 60);
    const source = sourceOf(images);
    const told: string[] = [];
    const pairs = stream(source, { onDamaged: (message) => told.push(message) });
    const batches: PairBatch[] = [];
    for (let step = 0; step < 6; step++) batches.push(await pairs.batch(step));

    expect(told.map((message) => /row (\d+)/.exec(message)?.[1]).sort()).toEqual(['2', '5', '8']);
    expect(told[0]).toMatch(/^Skipping a picture: made up row \d .+\.$/);
    // All 12 rows are in the 3 batches of an epoch; a stand-in may be damaged too, which counts again.
    for (const epoch of [batches.slice(0, 3), batches.slice(3)])
      expect(epoch.reduce((sum, batch) => sum + batch.skipped, 0)).toBeGreaterThanOrEqual(3);
    for (const batch of batches)
      for (const [place, row] of rowsOf(batch).entries()) {
        expect([2, 5, 8]).not.toContain(row);
        for (const channel of [0, 1, 2])
          expect(meanColour(batch, place)[channel]).toBeCloseTo(colour(row)[channel], 1);
        expect(batch.captions[place]).toContain(`name ${row}`);
      }
    const resumed = stream(source, { onDamaged: () => undefined });
    for (const step of [4, 5, 1]) expect(await resumed.batch(step)).toEqual(batches[step]);
  });

  test('a source that is mostly damaged stops with a sentence', async () => {
    const images: Uint8Array[] = await colours(4);
    const source = sourceOf(Array.from({ length: 60 }, (_, row) => images[row] ?? Uint8Array.of(1, 2, 3)));
    const pairs = stream(source, { batchSize: 20, onDamaged: () => undefined });
    await expect(pairs.batch(0)).rejects.toThrow(
      /Decoding pictures of made up: 11 of the 20 pictures tried so far cannot be read or decoded, expected at most half of them\. .+ The last one: made up row \d+ /,
    );
  });

  test('a small source without a single sound picture stops too', async () => {
    const pairs = stream(sourceOf([0, 1, 2, 3].map((n) => Uint8Array.of(n))), { onDamaged: () => undefined });
    await expect(pairs.batch(0)).rejects.toThrow('none of the 4 pictures can be read and decoded');
  });

  test('a picture that cannot be read is an error of its own, and a source smaller than a batch is refused', async () => {
    const source = sourceOf(await colours(4));
    const failing = { ...source, row: () => Promise.reject(new Error('Reading the picture x.png: gone.')) };
    await expect(stream(failing).batch(0)).rejects.toThrow('Reading the picture x.png: gone.');
    expect(() => openPairStream(source, { ...plain, batchSize: 5 })).toThrow(
      'Reading batches of 5 pairs from made up: found 4 rows',
    );
  });

  test('closing ends batches that are awaited, and none comes after', async () => {
    const pairs = stream(sourceOf(await colours(4)));
    const awaited = pairs.batch(0);
    const outcome = expect(awaited).rejects.toThrow('was ended before it had answered');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await pairs.close();
    await outcome;
    await expect(pairs.batch(1)).rejects.toThrow('was ended before it had answered');
  });
});

describe('decoding', () => {
  const flat = (channels: 3 | 4 = 3, alpha = 1) =>
    sharp({ create: { width: 30, height: 24, channels, background: { r: 200, g: 40, b: 60, alpha } } });
  const raw = (data: Buffer | Uint16Array, channels: 1 | 2 | 3) =>
    sharp(data, { raw: { width: 30, height: 24, channels } });
  const red = [200, 40, 60];
  const grey16 = Uint16Array.from({ length: 30 * 24 }, () => 100 * 257);

  test('every format and kind of pixel comes as 8-bit RGB over white', async () => {
    const cmyk = await flat().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    const kinds: [name: string, image: Promise<Buffer>, colour: number[], tolerance: number][] = [
      ['palette', flat().png({ palette: true }).toBuffer(), red, 0],
      ['transparent', flat(4, 0).png().toBuffer(), [255, 255, 255], 0],
      [
        'grey',
        raw(Buffer.alloc(30 * 24, 70), 1)
          .toColourspace('b-w')
          .png()
          .toBuffer(),
        [70, 70, 70],
        0,
      ],
      [
        'grey with alpha',
        raw(Buffer.alloc(30 * 24 * 2, 255), 2)
          .png()
          .toBuffer(),
        [255, 255, 255],
        0,
      ],
      ['16-bit', flat().toColourspace('rgb16').png().toBuffer(), red, 1],
      ['16-bit grey', raw(grey16, 1).toColourspace('grey16').png().toBuffer(), [100, 100, 100], 1],
      ['JPEG', flat().jpeg({ quality: 95 }).toBuffer(), red, 4],
      ['WebP', flat().webp({ quality: 95 }).toBuffer(), red, 4],
      ['GIF', flat().gif().toBuffer(), red, 4],
      ['AVIF', flat().avif({ quality: 95 }).toBuffer(), red, 4],
      ['TIFF', flat().tiff({ quality: 95 }).toBuffer(), red, 4],
      // Without colour profiles CMYK is only about the same red: as the model meets it elsewhere.
      ['CMYK', Promise.resolve(cmyk), Array.from((await decodeImage(cmyk, 'cmyk')).data.subarray(0, 3)), 1],
    ];
    const images = await Promise.all(kinds.map(([, image]) => image));
    const batch = await stream(sourceOf(images), { batchSize: kinds.length }).batch(0);
    expect(batch.skipped).toBe(0);
    for (const [place, row] of rowsOf(batch).entries()) {
      const [name, , wanted, tolerance] = kinds[row];
      for (const [channel, value] of meanColour(batch, place).entries())
        expect(Math.abs(value - wanted[channel]), `${name}, channel ${channel}`).toBeLessThanOrEqual(
          tolerance + 0.01,
        );
    }
  });

  test('EXIF orientation is applied, and a large picture is cropped at the same place as a small one', async () => {
    // Left half black, right half white; stored on its side, to be turned upright by the reader.
    const halves = (width: number, height: number) =>
      sharp({ create: { width, height, channels: 3, background: '#000' } }).composite([
        {
          input: { create: { width: width / 2, height, channels: 3, background: '#fff' } },
          left: width / 2,
          top: 0,
        },
      ]);
    const upright = await halves(400, 400).png().toBuffer();
    const stored = await sharp(upright)
      .rotate(270)
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 95 })
      .toBuffer();
    const small = await sharp(upright).resize(40, 40).png().toBuffer();
    const pixels = async (image: Uint8Array) =>
      (await stream(sourceOf([image]), { batchSize: 1, flipProb: 0 }).batch(0)).pixel_values.slice(0, 64);
    const row = (await pixels(upright)).slice(0, 8);
    expect(row[0]).toBeCloseTo(expected(0, 0), 1);
    expect(row[7]).toBeCloseTo(expected(255, 0), 1);
    for (const other of [await pixels(stored), await pixels(small)])
      expect(Math.hypot(...other.slice(0, 8).map((value, i) => value - row[i]))).toBeLessThan(0.6);
  });
});

const shared = '../shared/data/train/tiny_imagenet.parquet';
test.skipIf(!existsSync(shared))(
  `a batch of real pictures (skipped where ${shared} is missing)`,
  async () => {
    const source = await openSources(shared);
    const pairs = stream(source, { batchSize: 64, imageSize: 64 });
    const batch = await pairs.batch(3);
    expect(batch.skipped).toBe(0);
    expect(batch.pixel_values.every(Number.isFinite)).toBe(true);
    // Photographs: neither flat nor of one colour.
    const average = meanColour(batch, 0);
    const spread =
      Math.max(...batch.pixel_values.subarray(0, 4096)) - Math.min(...batch.pixel_values.subarray(0, 4096));
    expect(spread).toBeGreaterThan(0.5);
    for (const value of average) expect(value).toBeGreaterThan(5);
  },
);

test('a picture is read and decoded once, and cropped anew in each epoch', async () => {
  const images = await Promise.all(
    Array.from({ length: 4 }, (_, row) =>
      sharp(
        Uint8Array.from({ length: 3 * 20 * 14 }, (_, i) => (i * (row + 3)) % 251),
        {
          raw: { width: 20, height: 14, channels: 3 },
        },
      )
        .png()
        .toBuffer(),
    ),
  );
  const source = sourceOf(images);
  const read: number[] = [];
  const counted: PairSource = {
    ...source,
    row(row) {
      read.push(row);
      return source.row(row);
    },
  };
  const pairs = stream(counted);
  const first = await pairs.batch(0);
  // Epochs that were asked for ahead of the first answer read what nobody had decoded yet.
  const before = read.length;
  const last = await pairs.batch(20);
  expect(read.length).toBe(before);
  expect(last.pixel_values).not.toEqual(first.pixel_values);

  const anew = stream(source);
  expect((await anew.batch(20)).pixel_values).toEqual(last.pixel_values);
});

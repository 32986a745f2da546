import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openPairStream } from './pair-stream.ts';
import { firstWayThatFinds, pictureSource, UnreadablePicture } from './picture-rows.ts';
import { soundRows } from './sound-rows.ts';

vi.mock(import('node:fs/promises'), { spy: true });

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-rows-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function sourceOf(count: number, missing: readonly number[]) {
  const rows = Array.from({ length: count }, (_, i) => ({
    id: `row ${i}`,
    labels: [`name ${i}`],
    captions: [],
    picture: { path: join(folder, `${i}.png`) },
  }));
  const colour = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#345' } })
    .png()
    .toBuffer();
  for (const [i, { picture }] of rows.entries())
    if (!missing.includes(i)) await writeFile(picture.path, colour);
  return pictureSource('made up', 'test', rows);
}

test('a missing picture is skipped as a damaged one is: counted, told of once, another stands in', async () => {
  const told: string[] = [];
  const pairs = openPairStream(await sourceOf(12, [2, 5]), {
    batchSize: 4,
    imageSize: 8,
    mean: [0, 0, 0],
    std: [1, 1, 1],
    seed: 1,
    onDamaged: (message) => told.push(message),
  });
  try {
    const batches = [await pairs.batch(0), await pairs.batch(1), await pairs.batch(2)];
    expect(told.sort()).toEqual(
      [2, 5].map((row) =>
        expect.stringContaining(
          `Skipping a picture: Reading the picture ${join(folder, `${row}.png`)}: it is not there, expected`,
        ),
      ),
    );
    expect(batches.reduce((sum, { skipped }) => sum + skipped, 0)).toBeGreaterThanOrEqual(2);
    for (const { keys } of batches) for (const { holds } of keys) expect(holds.join()).not.toContain('row 2');
  } finally {
    await pairs.close();
  }
});

test('a source whose pictures are mostly gone stops, with the last one named', async () => {
  const missing = Array.from({ length: 40 }, (_, i) => i + 4);
  const pairs = openPairStream(await sourceOf(44, missing), {
    batchSize: 20,
    imageSize: 8,
    mean: [0, 0, 0],
    std: [1, 1, 1],
    seed: 1,
    onDamaged: () => undefined,
  });
  await expect(pairs.batch(0)).rejects.toThrow(
    /expected at most half of them\. .* The last one: Reading the picture /,
  );
  await pairs.close();
});

test('held-out rows go without missing pictures', async () => {
  const told: string[] = [];
  const sound = await soundRows(await sourceOf(4, [1]), (message) => told.push(message));
  expect(sound.length).toBe(3);
  expect(told).toEqual([
    expect.stringMatching(/^Leaving out a picture: Reading the picture .*1\.png: it is not there/),
  ]);
});

test("faults of the one file are told from the machine's", async () => {
  await mkdir(join(folder, 'f.png'));
  const at = (path: string) =>
    pictureSource('x', 'x', [{ id: '', labels: [], captions: [], picture: { path } }]).row(0);
  for (const name of ['gone.png', 'f.png', 'x\0.png', `${'l'.repeat(300)}.png`])
    await expect(at(join(folder, name))).rejects.toBeInstanceOf(UnreadablePicture);
});

test('too many open files are no fault of the picture, and have advice of their own', async () => {
  const source = pictureSource('x', 'x', [{ id: '', labels: [], captions: [], picture: { path: 'a.png' } }]);
  const failWith = (code: string) =>
    vi
      .mocked(readFile)
      .mockRejectedValueOnce(Object.assign(new Error(`${code}: what the system says`), { code }));
  failWith('EMFILE');
  const refused = expect(source.row(0)).rejects;
  await refused.not.toBeInstanceOf(UnreadablePicture);
  failWith('EMFILE');
  await expect(source.row(0)).rejects.toThrow(
    'Reading the picture a.png: this process has as many files open as it may. Allow it more, as `ulimit -n 4096` does, and start it again.',
  );
  failWith('ENOMEM');
  await expect(source.row(0)).rejects.toThrow('ENOMEM: what the system says. See to the machine first.');
});

test('the first way by which one of the first pictures is there', async () => {
  await writeFile(join(folder, 'b'), '');
  const right = (file: string) => join(folder, file);
  const wrong = (file: string) => join(folder, 'x', file);
  expect(await firstWayThatFinds([wrong, right], ['a', 'b'])).toBe(right);
  expect(await firstWayThatFinds([wrong, right], ['a'])).toBeNull();
});

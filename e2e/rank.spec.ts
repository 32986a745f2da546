// The main job on each device: drop photographs, type labels, read the ranking. What the page computes equals what the
// workshop's `embed` computes of the same files with the same folder.

import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { wasmThreads } from '../app/inference/plan.ts';
import { fillTemplate } from '../models/clip/prompts.ts';
import { cosine } from '../models/clip/ranking.ts';
import { FOREIGN, TINY_FP32 } from './site/models.ts';
import { photographs } from './site/pictures.ts';
import { SITE } from './site/site.ts';
import { expect, needsAdapter, test } from './test.ts';

const TEMPLATE = 'a photo of a {}.';
/** In fp32; decoders of different makes differ by a grey level here and there. */
const TOLERANCE = 1e-3;

for (const model of [TINY_FP32, FOREIGN]) {
  test(`dropped photographs are ranked by typed labels, as the command line ranks them: ${model}`, async ({
    app,
    page,
  }, { project }) => {
    const webgpu = project.name === 'webgpu';
    if (webgpu) await needsAdapter(app);
    const { paths, names, labels } = await photographs(12);
    await app.open({
      model,
      backend: webgpu ? 'webgpu' : 'wasm',
      softwareAdapter: webgpu,
      templates: [TEMPLATE],
    });
    if (webgpu) {
      await expect(app.machine).toContainText('WebGPU');
    } else {
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      const threads = wasmThreads(availableParallelism());
      expect(threads, 'this machine has too few cores for the test of threads').toBeGreaterThan(1);
      await expect(app.machine).toContainText(`WASM, ${threads} threads`);
    }

    await app.drop(paths);
    await page.getByRole('button', { name: 'Clear' }).click();
    for (const label of labels) await app.labels.type(label);
    await app.labels.expectToBe(labels);
    await app.ranked(paths.length, labels.length);

    const expected = embed(
      model,
      paths,
      labels.map((label) => fillTemplate(TEMPLATE, label)),
    );
    const { photographs: found, precision, backend } = await app.exportedJson();
    expect({ precision, backend }).toEqual({ precision: 'fp32', backend: webgpu ? 'webgpu' : 'wasm' });
    expect(found.map(({ file }) => file)).toEqual(names);
    let [least, most] = [1, -1];
    for (const [i, { file, scores = [], best }] of found.entries()) {
      expect(scores.map(({ label }) => label)).toEqual(labels);
      const cosines = expected.texts.map((text) => cosine(expected.images[i], text));
      for (const [l, score] of scores.entries()) {
        const what = `${file}, ${score.label}: ${score.cosine} here, ${cosines[l]} there`;
        expect(Math.abs(score.cosine - cosines[l]), what).toBeLessThan(TOLERANCE);
        least = Math.min(least, score.cosine);
        most = Math.max(most, score.cosine);
      }
      const [first] = scores.toSorted((a, b) => b.cosine - a.cosine);
      expect(best).toBe(first.label);
      expect(scores.reduce((sum, { probability }) => sum + (probability ?? 0), 0)).toBeCloseTo(1, 4);
      expect((await app.bars(file))[0].label).toBe(best);
    }
    // A model that gives everything the same vector would agree with itself as well.
    expect(most - least).toBeGreaterThan(100 * TOLERANCE);
  });
}

/** `npm run -s embed`, as anyone would run it. */
function embed(model: string, images: readonly string[], texts: readonly string[]) {
  const output = execFileSync(
    process.execPath,
    [
      ...['--import', 'tsx', 'models/commands/embed.ts', '--model', `${SITE}/models/${model}`],
      ...['--precision', 'fp32', '--json', '--images', ...images, '--texts', ...texts],
    ],
    { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  const lines = output
    .trim()
    .split('\n')
    .map((line): { kind: 'image' | 'text'; vector: number[] } => JSON.parse(line));
  const vectors = (wanted: 'image' | 'text') =>
    lines.filter(({ kind }) => kind === wanted).map(({ vector }) => Float32Array.from(vector));
  return { images: vectors('image'), texts: vectors('text') };
}

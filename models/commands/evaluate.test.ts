import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { tinyModel, withJson } from '../clip/fixtures/tiny-model.ts';
import { cosine, ensemble } from '../clip/ranking.ts';
import { selfTestImage } from '../clip/selftest.ts';
import { writeFileWhole } from '../files/folder.ts';
import { runCommand } from './arguments.ts';
import { embed } from './embed.ts';
import { retrieval, zeroShot } from './evaluate.ts';

const CLASSES = ['cat; felis', 'dog', 'red flower'];
let root = '';
let model = '';
let data = '';
const pictures: string[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'promptlens-evaluate-'));
  model = join(root, 'tiny');
  data = join(root, 'toys');
  const files = withJson(await tinyModel(), 'config.json', {
    prompt_templates: ['a photo of a {}.', 'the {}'],
  });
  for (const [path, bytes] of files) await writeFileWhole(join(model, path), bytes);
  for (const [i, name] of CLASSES.entries()) {
    await mkdir(join(data, name), { recursive: true });
    for (let seed = 0; seed < 4; seed++) {
      const file = join(data, name, `${seed}.png`);
      const {
        width,
        height,
        channels,
        data: raw,
      } = selfTestImage({
        recipe: 'gradient-noise',
        seed: 10 * i + seed,
        width: 20 + 9 * i,
        height: 44 - 9 * seed,
      });
      await sharp(raw, { raw: { width, height, channels } }).png().toFile(file);
      pictures.push(file);
    }
  }
});
afterAll(() => rm(root, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** Exit code and what was said. */
async function run(what: typeof zeroShot, ...argv: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line = '') => out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line) => err.push(line));
  const code = await runCommand(what, ['--model', model, ...argv]);
  return { code, out, err };
}
interface Embedded {
  readonly kind: string;
  readonly input: string;
  readonly vector: number[];
}
async function embedded(...argv: string[]): Promise<Embedded[]> {
  const { code, out } = await run(embed, '--json', ...argv);
  expect(code).toBe(0);
  return out.map((line) => JSON.parse(line));
}
const vector = ({ vector }: Embedded) => Float32Array.from(vector);

describe('embed', () => {
  test('one unit vector a line, pictures and then texts, as they were given', async () => {
    const [a, b] = [pictures[5], pictures[0]];
    const lines = await embedded('--images', a, b, '--texts', 'dog', '', 'a photo of a cat.');
    expect(lines.map(({ kind, input }) => [kind, input])).toEqual([
      ['image', a],
      ['image', b],
      ['text', 'dog'],
      ['text', ''],
      ['text', 'a photo of a cat.'],
    ]);
    for (const line of lines) {
      expect(line.vector.length).toBe(32);
      expect(Math.hypot(...line.vector)).toBeCloseTo(1, 6);
    }
  });

  test('a bad picture is a sentence and exit code 1; the others are printed all the same', async () => {
    const text = join(root, 'notes.txt');
    await writeFile(text, 'no picture');
    const { code, out, err } = await run(
      embed,
      '--json',
      '--images',
      text,
      pictures[0],
      join(root, 'gone.jpg'),
    );
    expect(code).toBe(1);
    expect(out.map((line) => JSON.parse(line).input)).toEqual([pictures[0]]);
    expect(err).toEqual([
      expect.stringContaining('notes.txt is not a photograph'),
      expect.stringContaining('gone.jpg could not be read'),
      '2 of 3 pictures could not be embedded.',
    ]);
  });

  test('a text that is cut is told of; nothing to embed is a mistake', async () => {
    const long = 'red '.repeat(40);
    const { code, err } = await run(embed, '--texts', long);
    expect([code, err]).toEqual([0, [expect.stringMatching(/is longer than 16 tokens and was cut\.$/)]]);
    expect((await run(embed)).code).toBe(2);
  });
});

describe('evaluate zero-shot', () => {
  test("prints what embed's vectors give", async () => {
    const { code, out } = await run(zeroShot, '--data', data, '--json', '--per-class');
    expect(code).toBe(0);
    const figures = JSON.parse(out.join('\n'));

    const images = (await embedded('--images', ...pictures)).map(vector);
    const prompts = CLASSES.map((names) =>
      names.split('; ').flatMap((name) => [`a photo of a ${name}.`, `the ${name}`]),
    );
    const classes: Float32Array[] = [];
    for (const own of prompts)
      classes.push(...ensemble((await embedded('--texts', ...own)).map(vector), own.length));
    const hits = images.map((image, i) => {
      const cosines = classes.map((label) => cosine(image, label));
      return cosines.indexOf(Math.max(...cosines)) === Math.floor(i / 4) ? 1 : 0;
    });
    const share = (list: number[]) => list.reduce((sum: number, hit) => sum + hit, 0) / list.length;
    expect(figures).toEqual({
      acc1: share(hits),
      acc5: 1,
      n: 12,
      classes: 3,
      model: 'tiny',
      precision: 'fp32',
      data,
      templates: ['a photo of a {}.', 'the {}'],
      per_class: CLASSES.map((names, i) => ({
        name: names.split('; ')[0],
        n: 4,
        acc1: share(hits.slice(4 * i, 4 * i + 4)),
      })),
    });
  });

  test('templates and classes from files', async () => {
    const templates = join(root, 'templates.txt');
    const classes = join(root, 'classes.txt');
    await writeFile(templates, 'a {label}\r\n\n{} on a table\n');
    await writeFile(classes, 'red flower\nfelis\ndog\ncar; automobile\n');
    const { out } = await run(
      zeroShot,
      '--data',
      data,
      '--json',
      '--templates',
      templates,
      '--classes',
      classes,
    );
    expect(JSON.parse(out[0])).toMatchObject({
      classes: 4,
      n: 12,
      templates: ['a {label}', '{} on a table'],
    });

    await writeFile(classes, 'dog\ncar\n');
    expect(await run(zeroShot, '--data', data, '--classes', classes)).toMatchObject({
      code: 1,
      err: [expect.stringContaining('is labelled "cat; felis", which is none of the 2 classes.')],
    });
    await writeFile(classes, 'dog\n ;\n');
    expect(await run(zeroShot, '--data', data, '--classes', classes)).toMatchObject({
      code: 1,
      err: [expect.stringMatching(/classes\.txt was refused: the line " ;" names no class\./)],
    });
    expect(await run(zeroShot, '--data', data, '--classes', join(root, 'gone.txt'))).toMatchObject({
      code: 1,
      err: [expect.stringContaining('gone.txt could not be read: it is not there.')],
    });
    await writeFile(templates, 'a {}\na photo\n');
    expect(await run(zeroShot, '--data', data, '--templates', templates)).toMatchObject({
      code: 1,
      err: [expect.stringContaining('the template "a photo" has no {} where the label goes.')],
    });
  });

  test('a table for people without --json', async () => {
    const { out } = await run(zeroShot, '--data', data);
    expect(out.join('\n')).toMatch(/^acc1 +\d+\.\d %\nacc5 +100\.0 %\nn +12\nclasses +3\nmodel +tiny\n/);
  });

  test('what is not there is a sentence', async () => {
    expect(await run(zeroShot, '--data', join(root, 'gone'))).toMatchObject({
      code: 1,
      err: [expect.stringContaining('gone')],
    });
    const elsewhere = await runCommand(zeroShot, ['--model', join(root, 'none'), '--data', data]);
    expect(elsewhere).toBe(1);
    expect(await run(retrieval, '--data', data)).toMatchObject({
      code: 1,
      err: [expect.stringContaining('has no caption')],
    });
  });
});

const COCO = join(import.meta.dirname, '../../../shared/data/eval/coco-mini.parquet');
describe('evaluate retrieval', () => {
  test.skipIf(!existsSync(COCO))('recalls over captioned pictures (needs ../shared/data)', async () => {
    const { code, out } = await run(retrieval, '--data', COCO, '--json');
    expect(code).toBe(0);
    const figures = JSON.parse(out[0]);
    expect(figures).toMatchObject({ n: 159, captions: 795, precision: 'fp32' });
    for (const direction of ['image', 'text']) {
      const [one, five, ten] = [1, 5, 10].map((k) => figures[`${direction}_retrieval_recall@${k}`]);
      expect(one).toBeLessThanOrEqual(five);
      expect(five).toBeLessThanOrEqual(ten);
      expect(ten).toBeLessThan(0.5); // random weights
    }
  });
});

import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp, { type Sharp } from 'sharp';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { randomStream } from '../data/random.ts';
import { openSources } from '../data/sources.ts';
import { runCommand } from './arguments.ts';
import { collect } from './collect.ts';

let folder = '';
let told: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-collect-'));
  told = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => told.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => told.push(line));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** Soft blobs of colour; another seed is another picture. */
function picture(seed: number, width: number, height: number): Sharp {
  const random = randomStream('picture', seed);
  const small = Uint8Array.from({ length: 12 * 9 * 3 }, () => 255 * random());
  return sharp(small, { raw: { width: 12, height: 9, channels: 3 } }).resize(width, height, {
    kernel: 'cubic',
    fit: 'fill',
  });
}

async function put(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

async function setUp(): Promise<string[]> {
  const repository = 'repositories/someone/animals';
  await put(`${repository}/n1/a.jpg`, await picture(1, 400, 200).jpeg().toBuffer());
  await put(`${repository}/n1/b.jpg`, await picture(2, 64, 48).jpeg().toBuffer());
  await put(`${repository}/n1/twin of b.jpg`, await picture(2, 64, 48).jpeg().toBuffer());
  await put(`${repository}/Hairy_Dog/measured.jpg`, await picture(3, 300, 200).jpeg().toBuffer());
  await put(`${repository}/Hairy_Dog/broken.jpg`, 'no picture');
  await put(`${repository}/Hairy_Dog/c.jpg`, await picture(4, 90, 90).jpeg().toBuffer());
  await put(`${repository}/misc/d.jpg`, await picture(5, 90, 90).jpeg().toBuffer());
  await put(`${repository}/words.txt`, 'n1\tCat, Felis catus\nn2\tunused\n');
  await put('eval/dog/small.webp', await picture(3, 72, 48).webp({ quality: 60 }).toBuffer());
  await put(
    'data.json',
    JSON.stringify({
      shortSide: 96,
      sources: [
        {
          source: 'animals',
          repository: 'someone/animals',
          pictures: ['{class}/*.jpg'],
          namesFile: 'words.txt',
          names: { misc: '' },
          terms: 'ours',
        },
      ],
    }),
  );
  const at = (path: string) => join(folder, path);
  return [
    '--recipe',
    at('data.json'),
    '--repositories',
    at('repositories'),
    '--measured-by',
    at('eval'),
    '--out',
    at('out'),
  ];
}

it('makes small rows of a repository, without what is measured by, and counts what it left out', async () => {
  expect(await runCommand(collect, await setUp())).toBe(0);
  expect(JSON.parse(told[0])).toEqual({
    source: 'animals',
    rows: 3,
    found: 7,
    leftOut: 1,
    damaged: 1,
    dropped: 1,
    repeated: 1,
    terms: 'ours',
  });
  const source = await openSources(join(folder, 'out/animals.parquet'));
  const rows = await Promise.all([0, 1, 2].map((index) => source.row(index)));
  expect(rows.map(({ labels }) => labels)).toEqual([
    ['hairy dog'],
    ['cat', 'felis catus'],
    ['cat', 'felis catus'],
  ]);
  const sizes = await Promise.all(rows.map(async ({ image }) => sharp(image).metadata()));
  // 400 × 200 is too oblong and too large, 64 × 48 stays as it is.
  expect(sizes.map(({ width, height }) => [width, height])).toEqual([
    [90, 90],
    [144, 96],
    [64, 48],
  ]);
});

it('takes data that is here already, a file for each data set, without what is measured by', async () => {
  await setUp();
  const at = (path: string) => join(folder, path);
  await put('animals/cat/1.jpg', await picture(1, 64, 48).jpeg().toBuffer());
  await put('animals/cat/broken.jpg', 'no picture');
  await put('animals/dog/large.jpg', await picture(3, 300, 200).jpeg().toBuffer());
  await put('walks/dog.png', await picture(6, 80, 60).png().toBuffer());
  await put('walks/list.csv', 'filepath,title\ndog.png,A dog runs.\nnone.png,A dog sits.\n');
  const data = ['--train-data', `${at('animals')},${at('walks/list.csv')}`];
  const argv = [...data, '--measured-by', at('eval'), '--out', at('checked')];
  expect(await runCommand(collect, argv)).toBe(0);
  expect(told.map((line) => JSON.parse(line))).toEqual([
    { source: 'animals', rows: 1, found: 3, damaged: 1, dropped: 1 },
    { source: 'list', rows: 1, found: 2, damaged: 1, dropped: 0 },
  ]);
  const source = await openSources(at('checked'));
  expect(Array.from({ length: source.length }, (_, index) => source.text(index))).toMatchObject([
    { labels: ['cat'], captions: [], source: 'animals' },
    { labels: [], captions: ['A dog runs.'], source: 'list' },
  ]);
  expect(Buffer.from((await source.row(0)).image).equals(await picture(1, 64, 48).jpeg().toBuffer())).toBe(
    true,
  );
  expect(await runCommand(collect, [...argv, '--recipe', at('data.json')])).toBe(2);

  // Whatever of a data set is measured by leaves no older file behind.
  await put('list/dog/large.jpg', await picture(3, 300, 200).jpeg().toBuffer());
  expect(await runCommand(collect, [...argv.with(1, at('list')), '--only', 'list'])).toBe(0);
  expect((await readdir(at('checked'))).sort()).toEqual(['animals.parquet']);
});

it("writes nowhere but in its folder, whatever a data set's name is", async () => {
  await setUp();
  const columns = [
    { name: 'image', data: [await picture(1, 64, 48).jpeg().toBuffer()], type: 'BYTE_ARRAY' as const },
    { name: 'label', data: ['cat'], type: 'STRING' as const },
    { name: 'source', data: ['../escaped'], type: 'STRING' as const },
  ];
  await put('evil.parquet', new Uint8Array(parquetWriteBuffer({ columnData: columns })));
  const at = (path: string) => join(folder, path);
  const argv = ['--train-data', at('evil.parquet'), '--measured-by', at('eval'), '--out', at('out')];
  expect(await runCommand(collect, argv)).toBe(1);
  expect(told.join()).toContain('is of the data set "../escaped", which no file can be called');
  expect(await readdir(folder)).not.toContain('escaped.parquet');
});

it('says which repository is missing, and writes nothing', async () => {
  const argv = await setUp();
  await rm(join(folder, 'repositories/someone'), { recursive: true });
  expect(await runCommand(collect, argv)).toBe(1);
  expect(told.join()).toContain('Clone someone/animals there');
});
